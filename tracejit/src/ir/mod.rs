//! Traces: linear code in static single assignment form.
//!
//! Invariants:
//! - An operand names an earlier instruction or a constant (phis excepted: their second operand is
//!   defined in the loop).
//! - A guard leaves the trace with the state of the *start* of the bytecode instruction that its
//!   snapshot names, so no guard follows a write or a step within one bytecode instruction.
//! - Stack slots are counted from the *anchor*: the base register of the function in which the
//!   trace was entered. What a trace computed for slots and has not stored is in its snapshots.
//! - Every snapshot names only refs that are defined before every instruction that uses it.

pub mod compute;
pub mod eval;
mod finished;
pub mod frames;
mod fresh;
pub mod helper;
mod interned;
mod lists;
pub mod op;
pub mod parse;
mod print;
pub mod snapshot;
mod snapshots;
pub mod verify;
pub mod world;

pub use finished::Finished;
pub use helper::Helper;
pub use lists::{KEPT, Lists, USUAL_LENGTH, touch};
pub use op::{Class, Effect, Op, Type};
pub use snapshot::{
    PendingFrame, Point, SlotSet, Snapshot, SnapshotSlot, VirtualKind, VirtualObject,
};
pub use snapshots::{NewSnapshot, Snapshots};

use interned::Interned;
use perilune_runtime::function::NativeClosure;
use perilune_runtime::machine::Slow;
use perilune_runtime::value::Value;

/// Names the result of an instruction, a constant of the trace, or (in snapshots only) a virtual
/// object.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct Ref(pub u32);

impl Ref {
    /// No operand.
    pub const NONE: Ref = Ref(u32::MAX);
    /// The machine (`*mut Vm`): the constant with index 0 of every trace.
    pub const VM: Ref = Ref(CONSTANT);

    /// The result of the instruction with this index.
    pub fn instruction(index: usize) -> Ref {
        Ref(index as u32)
    }
    /// The constant with this index.
    pub fn constant(index: usize) -> Ref {
        Ref(index as u32 | CONSTANT)
    }
    /// The virtual object with this number: see [`VirtualObject`].
    pub fn virtual_object(number: usize) -> Ref {
        Ref(number as u32 | VIRTUAL)
    }
    /// The number of the virtual object that it names.
    #[inline]
    pub fn as_virtual(self) -> Option<usize> {
        let number = self.0.wrapping_sub(VIRTUAL);
        if number < CONSTANT - VIRTUAL {
            Some(number as usize)
        } else {
            None
        }
    }
    /// Whether it names a constant.
    #[inline]
    pub fn is_constant(self) -> bool {
        self.0.wrapping_sub(CONSTANT) < Ref::NONE.0 - CONSTANT
    }
    /// The index of the instruction that it names.
    #[inline]
    pub fn as_instruction(self) -> Option<usize> {
        if self.0 < VIRTUAL {
            Some(self.0 as usize)
        } else {
            None
        }
    }
    /// The index of the constant that it names.
    #[inline]
    pub fn as_constant(self) -> Option<usize> {
        if self.is_constant() {
            Some((self.0 - CONSTANT) as usize)
        } else {
            None
        }
    }
}

/// Refs from here on name constants, but for the last, which names nothing.
const CONSTANT: u32 = 1 << 31;
/// Those from here on up to the constants name virtual objects, those below instructions.
const VIRTUAL: u32 = 1 << 30;

/// A constant of a trace.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Constant {
    /// The machine in which the trace runs.
    Vm,
    /// An integer, tag or plain address.
    Int(i64),
    /// The bits of a float.
    Float(u64),
    /// The address of an object that the trace relies on: when it dies, so does the trace.
    Object(u64),
}

impl Constant {
    /// Its register class.
    pub fn kind(self) -> Type {
        match self {
            Constant::Float(_) => Type::Float,
            _ => Type::Int,
        }
    }
    /// Its 64 bits; 0 for the machine, which is not known before the trace runs.
    pub fn bits(self) -> u64 {
        match self {
            Constant::Vm => 0,
            Constant::Int(i) => i as u64,
            Constant::Float(bits) | Constant::Object(bits) => bits,
        }
    }
}

/// One instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Instruction {
    /// What it does.
    pub op: Op,
    /// Which memory it touches.
    pub class: Class,
    /// Offset in bytes, slot number, helper or step index: see the operation.
    pub imm: i32,
    /// Operands; unused ones are [`Ref::NONE`].
    pub args: [Ref; 3],
    /// Index of its snapshot, for guards and steps; else `u32::MAX`.
    pub snapshot: u32,
}

impl Instruction {
    /// An instruction without memory class or snapshot.
    pub fn new(op: Op, imm: i32, args: &[Ref]) -> Instruction {
        let mut all = [Ref::NONE; 3];
        all[..args.len()].copy_from_slice(args);
        Instruction {
            op,
            class: Class::None,
            imm,
            args: all,
            snapshot: u32::MAX,
        }
    }

    /// Whether a guard among these instructions asks if a helper that writes has declined. It fails only
    /// before the write: made to fail after it, it would have the interpreter write once more.
    pub fn asks_for_write(&self, code: &[Instruction]) -> bool {
        let asked = self.args[0].as_instruction().map(|n| &code[n]);
        let helper = asked.and_then(Instruction::helper);
        helper.is_some_and(|h| h.effect().is_write())
    }
    /// The helper that a call calls; `None` for other instructions and unknown numbers.
    pub fn helper(&self) -> Option<Helper> {
        let is_call = matches!(self.op, Op::CallInt | Op::CallFloat);
        let helper = is_call.then(|| Helper::ALL.get(self.imm as usize));
        helper.flatten().copied()
    }
    /// Its operands in use.
    pub fn operands(&self) -> impl Iterator<Item = Ref> + '_ {
        self.args.iter().copied().filter(|&r| r != Ref::NONE)
    }
}

/// A residual step: one bytecode instruction performed by the runtime.
#[derive(Clone, Debug)]
#[repr(C)]
pub struct Step {
    /// One past the first word of the instruction.
    pub pc: *const u64,
    /// The constants of its function.
    pub constants: *const Value,
    /// Slots from the anchor to the base of its function.
    pub base: i32,
    /// The end of the list that it takes, if that is open and known to the trace.
    pub top: Option<i32>,
    /// The family of its slow path.
    pub family: Slow,
    /// The function that the instruction calls to access a field of a userdata; null in other steps.
    pub accessor: *mut NativeClosure,
    /// Where execution went on while recording: the pc (next word).
    pub next_pc: *const u64,
    /// Slots from the anchor to the base then.
    pub next_base: i32,
    /// By how many the frames changed.
    pub frames: i32,
    /// Slots from this one on (counted from the anchor) up to `clobbers.1` may have changed.
    pub clobbers: (i32, i32),
    /// Whether a trace that is left after it has done little.
    pub is_early: bool,
    /// Whether stack slots are counted from a new anchor afterwards (another coroutine's stack):
    /// nothing known about slots holds on.
    pub leaves_thread: bool,
}

impl Step {
    /// Whether the running function's frame is on top again after it, where it was.
    pub fn stays(&self) -> bool {
        self.next_base == self.base && self.frames == 0 && !self.leaves_thread
    }
}

/// How a trace ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// Back to the [`Op::Loop`] instruction, with the phis.
    Loop,
    /// To the entry of the trace with this number (itself perhaps), whose anchor lies so many slots
    /// above this trace's. Everything is in memory.
    Link {
        /// Number of the trace.
        trace: u32,
        /// Slots from this trace's anchor to that one's.
        base: i32,
    },
    /// To the interpreter, through the snapshot with this index.
    Exit(u32),
    /// Back at the trace's start, with the state that the snapshot with this index describes: how
    /// one round of a loop is recorded. The optimiser makes a loop or a link of it.
    Round(u32),
}

/// A value carried around a loop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Phi {
    /// The value when the loop is entered, defined before [`Op::Loop`]; in the loop this ref means
    /// the current iteration's value.
    pub entry: Ref,
    /// The value at the end of an iteration: what `entry` means in the next one.
    pub back: Ref,
}

/// How many integers count as small.
const SMALL: usize = 16;

/// A trace.
#[derive(Clone, Debug)]
pub struct Trace {
    /// Its number.
    pub number: u32,
    /// Constants; the first is the machine. Only [`Trace::constant`] adds to them.
    pub constants: Vec<Constant>,
    /// Instructions in order of execution.
    pub code: Vec<Instruction>,
    /// Snapshots.
    pub snapshots: Snapshots,
    /// Residual steps. Boxed: machine code refers to them by address.
    #[allow(clippy::vec_box, reason = "machine code refers to them by address")]
    pub steps: Vec<Box<Step>>,
    /// Values carried around the loop, if it ends in [`End::Loop`].
    pub phis: Vec<Phi>,
    /// How it ends.
    pub end: End,
    /// How many instructions at its start make the virtual objects of its parent's exit.
    pub head: usize,
    /// Whether the loop was to run for long when it was recorded.
    pub runs_long: bool,
    /// Where constants are in the list.
    interned: Interned,
    /// The refs of small integers, tags above all: [`Ref::NONE`] for those that are not constants yet.
    small: [Ref; SMALL],
}

impl Trace {
    /// An empty trace.
    pub fn new(number: u32) -> Trace {
        Trace::in_lists(number, Lists::default())
    }
    /// An empty trace in the memory of these lists.
    pub fn in_lists(number: u32, mut lists: Lists) -> Trace {
        let snapshots = Snapshots::in_lists(&mut lists);
        let (mut constants, mut interned) = (lists.constants, lists.interned);
        interned.index(&mut constants, Constant::Vm);
        Trace {
            number,
            constants,
            code: lists.code,
            snapshots,
            steps: Vec::new(),
            phis: Vec::new(),
            end: End::Exit(0),
            head: 0,
            runs_long: false,
            interned,
            small: [Ref::NONE; SMALL],
        }
    }
    /// An empty trace with the same number and constants, by the same refs, in the memory of these lists.
    pub fn like(other: &Trace, mut lists: Lists) -> Trace {
        let snapshots = Snapshots::like(&other.snapshots, &mut lists);
        let (mut constants, mut interned) = (lists.constants, lists.interned);
        constants.clone_from(&other.constants);
        interned.copy_from(&other.interned);
        Trace {
            number: other.number,
            constants,
            code: lists.code,
            snapshots,
            steps: Vec::new(),
            phis: Vec::new(),
            end: End::Exit(0),
            head: 0,
            runs_long: other.runs_long,
            interned,
            small: other.small,
        }
    }
    /// The ref of a constant.
    pub fn constant(&mut self, constant: Constant) -> Ref {
        Ref::constant(self.interned.index(&mut self.constants, constant))
    }
    /// The ref of an integer.
    pub fn int(&mut self, i: i64) -> Ref {
        let Some(place) = self.small.get_mut(i as usize) else {
            return self.constant(Constant::Int(i));
        };
        if *place == Ref::NONE {
            *place = Ref::constant(self.interned.index(&mut self.constants, Constant::Int(i)));
        }
        *place
    }
    /// The ref of a float.
    pub fn float(&mut self, f: f64) -> Ref {
        self.constant(Constant::Float(f.to_bits()))
    }
    /// The constant that `r` names, if it does.
    pub fn constant_of(&self, r: Ref) -> Option<Constant> {
        r.as_constant().map(|n| self.constants[n])
    }
    /// The integer (or address) that `r` names, if it is constant and known.
    pub fn int_of(&self, r: Ref) -> Option<i64> {
        match self.constant_of(r)? {
            Constant::Int(i) => Some(i),
            Constant::Object(bits) => Some(bits as i64),
            _ => None,
        }
    }
    /// The float that `r` names, if it is constant.
    pub fn float_of(&self, r: Ref) -> Option<f64> {
        match self.constant_of(r)? {
            Constant::Float(bits) => Some(f64::from_bits(bits)),
            _ => None,
        }
    }
    /// The register class of what `r` names.
    pub fn type_of(&self, r: Ref) -> Type {
        match (r.as_instruction(), self.constant_of(r)) {
            (Some(n), _) => self.code[n].op.result(),
            (None, Some(constant)) => constant.kind(),
            (None, None) if r.as_virtual().is_some() => Type::Int,
            (None, None) => Type::None,
        }
    }
    /// Appends an instruction.
    pub fn push(&mut self, instruction: Instruction) -> Ref {
        self.code.push(instruction);
        Ref::instruction(self.code.len() - 1)
    }
    /// The index of [`Op::Loop`], if there is one.
    pub fn loop_start(&self) -> Option<usize> {
        self.code.iter().position(|i| i.op == Op::Loop)
    }
}
