//! Recording: the interpreter's opcode functions run on a machine that executes and writes a trace.
//!
//! Invariants:
//! - What is recorded for a bytecode instruction is recorded while that instruction executes; the
//!   trace never holds data of an instruction that did not retire.
//! - A guard's snapshot is the state at the start of its bytecode instruction, or of an earlier one
//!   since whose start nothing was written and no live slot got a new value: what lies between is done
//!   once more when it fails. Within one instruction no guard follows a write (a primitive emits its
//!   guards first).
//! - `shadow` holds what is known of stack slots; a slot that is not dirty has its value in memory.
//! - Before a residual step everything that is live is in memory, and it is executed by the very
//!   function that the trace will call.

mod construct;
mod control;
mod events;
mod frames;
mod fuel;
mod inherit;
mod keyed;
mod log;
mod machine;
mod members;
mod metamethods;
mod natives;
mod numbers;
mod places;
mod protected;
mod recent;
mod shadow;
mod strings;
mod tables;
mod values;
mod varargs;

pub use control::{Limits, Outcome, Start, Surroundings};
pub use values::{RecordedFloat, RecordedInteger, RecordedTable, RecordedValue};

use crate::abort::Abort;
use crate::ir::helper::HelperEffect;
use crate::ir::{
    Class, Constant, Effect, Instruction, Lists, Op, PendingFrame, Point, Ref, SlotSet, Trace,
    USUAL_LENGTH,
};
use perilune_runtime::function::Proto;
use perilune_runtime::machine::Direct;
use perilune_runtime::value::{self, Value};
use perilune_runtime::vm::Vm;
use recent::Recent;
use shadow::Shadows;

/// What a trace relies on and that may die.
#[derive(Clone, Debug, Default)]
pub struct Dependencies {
    /// Addresses of objects.
    pub objects: Vec<usize>,
    /// Ids of shapes.
    pub shapes: Vec<u32>,
}

/// A trace being recorded.
#[derive(Debug)]
pub struct Recording {
    /// The trace so far.
    pub trace: Trace,
    /// What it relies on.
    pub dependencies: Dependencies,
    /// The machine that executes, between two instructions: `pc` is the next word.
    pub direct: Direct,
    /// Slots from the anchor to the base.
    base: i32,
    shadow: Shadows,
    /// Frames pushed that are not in memory.
    frames: Vec<PendingFrame>,
    /// Frames in memory that were popped.
    popped: u32,
    /// Tags that guards have established, by the index of the instruction that loaded the tag.
    known_tags: Vec<Option<value::Tag>>,
    /// What need not be recorded again.
    recent: Recent,
    /// The latest snapshot since which nothing was written.
    snapshot: Option<u32>,
    /// Whether that is the current instruction's.
    snapshot_is_current: bool,
    /// Whether the current instruction has done something that is not to be done twice, or for which
    /// the trace would have to remember how things were before.
    is_snapshot_over: bool,
    /// The current instruction.
    instruction: *const u64,
    /// Bytes above the anchor for which the stack's room was checked.
    checked_stack: i32,
    /// How many frames more than memory has there was found to be room for.
    checked_frames: i32,
    /// Whether the trace has left the stack on which it was entered.
    left_thread: bool,
    /// Where it starts.
    pub start: Start,
    /// The function in which it starts.
    root: *const Proto,
    /// Whether a step has returned from the function at whose start the tree begins.
    has_returned: bool,
    /// The functions in whose frames it is, outermost first; null where that is not known.
    active: Vec<*const Proto>,
    /// Frames popped by this recording that it did not push.
    followed: u32,
    /// The end of the list that the current instruction takes, if that is open.
    top: Option<i32>,
    /// The same for the next instruction.
    next_top: Option<i32>,
    /// Whether the last instruction entered a function.
    entered: bool,
    /// Bytecode instructions recorded.
    pub instructions: usize,
    /// The loop that a side trace started in, until it is left.
    parent_loop: Option<control::Extent>,
    /// What it does about fuel.
    fuel: fuel::Meter,
    /// What was executed, if that is wanted.
    pub log: Option<String>,
    /// [`Surroundings::disturbances`] when it began: what it relies on was alive then, and is as long as
    /// there are no more.
    pub disturbances: u64,
    /// Why recording can't go on.
    abort: Option<Abort>,
}

impl Recording {
    /// An empty recording at a state of the machine, in the memory of these lists.
    ///
    /// # Safety
    /// The saved state of `vm` is that of a Lua function between two instructions, and stays so but
    /// for what the recording does.
    pub unsafe fn new(vm: *mut Vm, number: u32, lists: Lists) -> Recording {
        // SAFETY: the caller's contract.
        let direct = unsafe { Direct::new(vm, (*vm).pc, (*vm).base, (*vm).constants) };
        let mut trace = Trace::in_lists(number, lists);
        trace.code.reserve(USUAL_LENGTH);
        trace.snapshots.reserve(USUAL_LENGTH / 4, USUAL_LENGTH);
        Recording {
            trace,
            dependencies: Dependencies::default(),
            instruction: direct.pc,
            direct,
            base: 0,
            shadow: Shadows::default(),
            frames: Vec::new(),
            popped: 0,
            known_tags: Vec::with_capacity(USUAL_LENGTH),
            recent: Recent::new(),
            snapshot: None,
            snapshot_is_current: false,
            is_snapshot_over: false,
            checked_stack: 0,
            checked_frames: 0,
            left_thread: false,
            start: Start::Loop,
            root: std::ptr::null(),
            has_returned: false,
            active: Vec::new(),
            followed: 0,
            top: None,
            next_top: None,
            entered: false,
            instructions: 0,
            parent_loop: None,
            // SAFETY: the caller's contract.
            fuel: fuel::Meter::new(unsafe { (*vm).has_fuel }),
            log: None,
            disturbances: 0,
            abort: None,
        }
    }

    fn emit(&mut self, op: Op, imm: i32, args: &[Ref]) -> Ref {
        self.value(Instruction::new(op, imm, args))
    }

    fn memory(&mut self, op: Op, class: Class, imm: i32, args: &[Ref]) -> Ref {
        let instruction = Instruction {
            class,
            ..Instruction::new(op, imm, args)
        };
        self.value(instruction)
    }

    /// The result of an instruction, which is recorded unless it was, not long ago.
    fn value(&mut self, instruction: Instruction) -> Ref {
        if let Some(r) = self.recent.find(&instruction) {
            return r;
        }
        self.push(instruction)
    }

    /// Records an instruction.
    fn push(&mut self, instruction: Instruction) -> Ref {
        let r = self.trace.push(instruction);
        self.recent.note(&instruction, r);
        self.is_snapshot_over |= must_not_be_repeated(&instruction);
        r
    }

    /// Records a guard that the program decides: a side trace may well start where it fails, and does
    /// nothing once more.
    fn guard(&mut self, op: Op, args: &[Ref]) {
        let instruction = Instruction::new(op, 0, args);
        if self.is_needless(&instruction) {
            return;
        }
        let snapshot = self.snapshot();
        self.push(Instruction {
            snapshot,
            ..instruction
        });
    }

    /// Records a guard that is expected to hold, as those of types nearly always do: it takes the
    /// latest snapshot that serves.
    fn guard_expected(&mut self, op: Op, imm: i32, args: &[Ref]) {
        let instruction = Instruction::new(op, imm, args);
        if self.is_needless(&instruction) {
            return;
        }
        let snapshot = self.latest_snapshot();
        self.push(Instruction {
            snapshot,
            ..instruction
        });
    }

    /// Whether a guard holds anyway.
    fn is_needless(&self, guard: &Instruction) -> bool {
        let [a, b, _] = guard.args;
        let is_known = a.is_constant()
            && match guard.op {
                // Equal constants have one name.
                Op::GuardEq => a == b,
                Op::GuardNe => a != b && b.is_constant(),
                _ => false,
            };
        is_known || self.recent.find(guard).is_some()
    }

    fn int(&mut self, i: i64) -> Ref {
        self.trace.int(i)
    }

    /// The address of an object that the trace relies on.
    fn object<T>(&mut self, object: *const T) -> Ref {
        if !self.dependencies.objects.contains(&(object as usize)) {
            self.dependencies.objects.push(object as usize);
        }
        self.trace.constant(Constant::Object(object as u64))
    }

    /// The proto of the running function.
    fn proto(&self) -> *mut Proto {
        // SAFETY: the running function is a Lua closure at base - 1.
        unsafe {
            let closure: *mut perilune_runtime::function::LuaClosure =
                (*self.direct.base.sub(1)).as_pointer();
            (*closure).proto
        }
    }

    /// The snapshot of the current instruction's start.
    fn snapshot(&mut self) -> u32 {
        match self.snapshot {
            Some(snapshot) if self.snapshot_is_current => snapshot,
            _ => {
                let snapshot = self.take_snapshot(self.instruction);
                self.snapshot = Some(snapshot);
                self.snapshot_is_current = true;
                snapshot
            }
        }
    }

    /// The latest snapshot since which nothing was written, or that of the current instruction's start.
    fn latest_snapshot(&mut self) -> u32 {
        match self.snapshot {
            Some(snapshot) => snapshot,
            None => self.snapshot(),
        }
    }

    /// A slot has a new value. If the latest snapshot needs the old one it does not serve later
    /// instructions: they would have the trace keep both.
    fn replace_live(&mut self, slot: i32) {
        if !self.is_snapshot_over
            && let Some(snapshot) = self.snapshot
        {
            self.is_snapshot_over = self.trace.snapshots.get(snapshot).is_live(slot);
        }
    }

    /// Forgets the latest snapshot.
    fn forget_snapshot(&mut self) {
        self.snapshot = None;
        self.snapshot_is_current = false;
    }

    /// The next instruction begins.
    fn renew_snapshot(&mut self) {
        self.snapshot_is_current = false;
        if std::mem::take(&mut self.is_snapshot_over) {
            self.snapshot = None;
        }
    }

    /// Adds a snapshot of the state before an instruction: its index.
    fn take_snapshot(&mut self, pc: *const u64) -> u32 {
        let (live, constants) = self.live_slots(pc);
        let unspent = self.fuel.unspent();
        let (shadow, snapshots) = (&self.shadow, &mut self.trace.snapshots);
        let snapshot = snapshots.push(snapshots.next_point(), unspent, |slots| {
            shadow.snapshot(&live, slots);
        });
        snapshots.add_point(Point {
            pc,
            constants,
            base: self.base,
            top: self.top,
            popped: self.popped,
            frames: self.frames.clone(),
            live,
        });
        snapshot
    }

    /// The slots that are live before an instruction, and the constants of its function.
    fn live_slots(&self, pc: *const u64) -> (SlotSet, *const Value) {
        let proto = self.proto();
        // SAFETY: the proto is live, and pc points into its code.
        let (live, constants) = unsafe {
            let word = pc.offset_from((*proto).code.as_ptr()) as usize;
            let live = perilune_runtime::stack::live_registers(&*proto, word);
            (live, (*proto).constants_start)
        };
        let first = self.shadow.lowest().unwrap_or(0);
        let live_start = first.min(self.base).min(0);
        let mut live_slots = self.shadow.empty_set(live_start);
        live_slots.insert_range(live_start, self.base);
        live_slots.insert_words(self.base, &live);
        if let Some(top) = self.top {
            live_slots.insert_range(self.base, top);
        }
        (live_slots, constants)
    }

    /// The value that a slot holds, read from the machine.
    fn concrete(&self, slot: i32) -> Value {
        // SAFETY: recorded slots lie within the running thread's stack.
        unsafe { *self.direct.base.offset((slot - self.base) as isize) }
    }
}

/// Whether an exit behind an instruction must not lead to before it.
fn must_not_be_repeated(i: &Instruction) -> bool {
    match i.op.effect() {
        // A stretch's fuel is burnt.
        Effect::Guard => i.op == Op::GuardFuel,
        Effect::Pure | Effect::Read | Effect::Entry => match i.helper() {
            None => false,
            Some(helper) => !matches!(
                helper.effect(),
                HelperEffect::Pure | HelperEffect::ReadsTables
            ),
        },
        Effect::Write | Effect::Step | Effect::Marker => true,
    }
}
