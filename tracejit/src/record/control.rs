//! The recording loop: one bytecode instruction after the other, until the trace is complete.

use super::members::Access;
use super::values::Source;
use super::{RecordedValue, Recording, log};
use crate::abort::Abort;
use crate::ir::{End, Op, Step};
use perilune_frontend::bytecode::opcode::Opcode;
use perilune_runtime::frame::Continuation;
use perilune_runtime::function::{LuaClosure, NativeClosure, Proto};
use perilune_runtime::hot;
use perilune_runtime::interp;
use perilune_runtime::machine::{Flow, Insn, Slow};
use perilune_runtime::value;
use perilune_runtime::vm::{Vm, pending};
use std::sync::atomic::Ordering;

/// Where a recording starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start {
    /// At a back-edge that is about to be taken.
    Loop,
    /// At the start of a function.
    Entry,
    /// At an exit of a loop's trace, or of its side traces.
    Exit,
    /// At an exit of a function's trace, or of its side traces.
    FunctionExit,
}

/// How a recording ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Complete in itself: [`Trace::end`](crate::ir::Trace) says how it ends.
    Complete,
    /// Given up.
    Aborted(Abort),
}

/// Limits of a recording.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytecode instructions of a trace.
    pub instructions: usize,
    /// Trace instructions.
    pub code: usize,
    /// Rounds of inner loops that are unrolled.
    pub unrolled: usize,
}

/// How many calls of a function to itself are inlined into a loop's trace.
const INLINED_RECURSION: usize = 8;

/// Rounds for which a loop runs long: it polls for events while it does.
const LONG: u64 = 1 << 20;

/// What the recording loop asks of the rest of the compiler.
pub trait Surroundings {
    /// The trace that starts at the back-edge with this location word.
    fn trace_at(&self, location: *const u64) -> Option<u32>;
    /// A number that changes when something happened that the recording may not survive.
    fn disturbances(&self) -> u64;
}

impl Recording {
    /// Records until the trace is complete. Answers how it ended and the exit code of the
    /// interpreter (0: go on from the saved state).
    ///
    /// # Safety
    /// The recording's state is the machine's.
    pub unsafe fn run(
        &mut self,
        start: Start,
        limits: &Limits,
        surroundings: &dyn Surroundings,
    ) -> (Outcome, u64) {
        // SAFETY: the caller's contract.
        let (outcome, code) = unsafe { self.record(start, limits, surroundings) };
        self.end_fuel();
        (outcome, code)
    }

    unsafe fn record(
        &mut self,
        start: Start,
        limits: &Limits,
        surroundings: &dyn Surroundings,
    ) -> (Outcome, u64) {
        // SAFETY: the caller's contract; verified code has only opcodes.
        unsafe {
            let first = self.direct.pc;
            self.disturbances = surroundings.disturbances();
            let extent = Extent::of(first);
            let mut count = 0;
            let mut unrolled = 0;
            let proto = self.proto();
            self.object(proto);
            self.start = start;
            self.active = self.functions();
            self.root = proto;
            loop {
                self.instruction = self.direct.pc;
                self.renew_snapshot();
                self.fuel.complete();
                self.top = self.next_top.take();
                if std::mem::take(&mut self.entered)
                    && let Some(outcome) = self.at_entry_point(surroundings)
                {
                    return (outcome, self.save());
                }
                let i = Insn::at(self.instruction);
                let op = Opcode::ALL[i.op_byte() as usize];
                if count > 0
                    && let Some(outcome) =
                        self.at_control_point(start, first, op, surroundings, &mut unrolled, limits)
                {
                    return (outcome, self.save());
                }
                if start == Start::Loop && self.has_left(&extent) {
                    return (Outcome::Aborted(Abort::LeftLoop), self.save());
                }
                if let Some(of_parent) = &self.parent_loop
                    && self.has_left(of_parent)
                {
                    self.parent_loop = None;
                }
                if std::mem::take(&mut self.has_returned) {
                    let snapshot = self.snapshot();
                    self.trace.end = End::Exit(snapshot);
                    return (Outcome::Complete, self.save());
                }
                if self.must_stop_before_return(op) {
                    if count == 0 {
                        return (Outcome::Aborted(Abort::Returns), self.save());
                    }
                    let snapshot = self.snapshot();
                    self.trace.end = End::Exit(snapshot);
                    return (Outcome::Complete, self.save());
                }
                if count >= limits.instructions || self.trace.code.len() >= limits.code {
                    let snapshot = self.snapshot();
                    self.trace.end = End::Exit(snapshot);
                    return (Outcome::Complete, self.save());
                }
                if !self.burn() {
                    return (Outcome::Aborted(Abort::Fuel), self.save());
                }
                count += 1;
                self.instructions = count;
                if self.log.is_some() {
                    self.note_instruction();
                }
                if op == Opcode::ForLoop {
                    if count == 1 && start == Start::Loop {
                        self.trace.runs_long = self.rounds_left(i) > LONG;
                    }
                    self.promote_step(i);
                }
                self.direct.pc = self.instruction.add(1);
                let flow = interp::opcode_function(op, self, i);
                if let Flow::Slow(family) = flow
                    && !self.record_slow(op, i, family)
                    && let Some(accessor) = self.left_of_member(op, i, family)
                {
                    let code = self.step(op, i, family, accessor);
                    if code != 0 {
                        return (Outcome::Aborted(Abort::LeftRun), code);
                    }
                    let events = (*self.direct.vm).pending.load(Ordering::Relaxed);
                    if events & pending::HOOK != 0 {
                        return (Outcome::Aborted(Abort::Hook), self.save());
                    }
                    if surroundings.disturbances() != self.disturbances {
                        return (Outcome::Aborted(Abort::Collection), self.save());
                    }
                }
                if let Some(abort) = self.abort {
                    return (Outcome::Aborted(abort), self.save());
                }
            }
        }
    }

    /// The rounds that are left of the counted loop with this back-edge.
    fn rounds_left(&self, i: Insn) -> u64 {
        self.concrete(self.slot_of(i.a()) + 1).payload
    }

    /// Notes what is about to be executed.
    unsafe fn note_instruction(&mut self) {
        let depth = self.frames.len();
        // SAFETY: the instruction is one of the running function.
        let line = unsafe { log::instruction(self.proto(), self.instruction, depth) };
        if let Some(log) = &mut self.log {
            *log += &line;
            log.push('\n');
        }
    }

    /// Keeps an eye on whether a side trace stays in the loop with this location word.
    ///
    /// # Safety
    /// The word is that of a loop's back-edge in the code of a live proto.
    pub unsafe fn watch_loop(&mut self, location: *const u64) {
        // SAFETY: the location word follows the back-edge.
        self.parent_loop = Some(unsafe { Extent::of(location.sub(1)) });
    }

    /// Whether the loop that is watched was not left.
    pub fn stays_in_loop(&self) -> bool {
        self.parent_loop.is_some()
    }

    /// Saves the state in the machine.
    unsafe fn save(&mut self) -> u64 {
        // SAFETY: the machine is live.
        unsafe {
            let vm = self.direct.vm;
            (*vm).pc = self.direct.pc;
            (*vm).base = self.direct.base;
            (*vm).constants = self.direct.constants;
        }
        0
    }

    /// At a back-edge the trace may be complete.
    unsafe fn at_control_point(
        &mut self,
        start: Start,
        first: *const u64,
        op: Opcode,
        surroundings: &dyn Surroundings,
        unrolled: &mut usize,
        limits: &Limits,
    ) -> Option<Outcome> {
        if !matches!(op, Opcode::Loop | Opcode::ForLoop | Opcode::GenericForLoop) {
            return None;
        }
        if start == Start::Loop && self.instruction == first {
            return Some(self.close());
        }
        // SAFETY: the location word follows a back-edge.
        let location = unsafe { self.instruction.add(1) };
        // SAFETY: the current instruction is this back-edge.
        if unsafe { !self.is_taken(op) } {
            return None;
        }
        if let Some(trace) = surroundings.trace_at(location) {
            self.flush();
            self.trace.end = End::Link {
                trace,
                base: self.base,
            };
            return Some(Outcome::Complete);
        }
        *unrolled += 1;
        if *unrolled > limits.unrolled {
            return Some(Outcome::Aborted(Abort::InnerLoop));
        }
        None
    }

    /// The functions of the frames that the recording starts with.
    fn functions(&self) -> Vec<*const Proto> {
        let mut functions = vec![std::ptr::null(); self.frames.len()];
        functions.push(self.proto());
        functions
    }

    /// At the start of a function that was just called: one that calls itself is not recorded over
    /// and over, but its trace, or the interpreter, goes on.
    unsafe fn at_entry_point(&mut self, surroundings: &dyn Surroundings) -> Option<Outcome> {
        // SAFETY: the running function's proto is live.
        let location = unsafe { hot::entry_location(self.proto()) };
        let (&callee, callers) = self.active.split_last()?;
        let activations = callers.iter().filter(|&&caller| caller == callee).count();
        // A loop's trace may well reach the end of a short recursion.
        let inlined = match self.start {
            Start::Loop | Start::Exit => INLINED_RECURSION,
            Start::Entry | Start::FunctionExit => 0,
        };
        if activations <= inlined {
            return None;
        }
        let is_start = self.start == Start::Entry && callee == self.root;
        let target = if is_start {
            Some(self.trace.number)
        } else {
            surroundings.trace_at(location)
        };
        match target {
            Some(trace) => {
                self.flush();
                self.trace.end = End::Link {
                    trace,
                    base: self.base,
                };
            }
            None => {
                let snapshot = self.snapshot();
                self.trace.end = End::Exit(snapshot);
            }
        }
        Some(Outcome::Complete)
    }

    /// Whether a function's trace ends before this instruction: it returns to who called the trace,
    /// who may be anyone. Only returns to the same function are followed, a few.
    fn must_stop_before_return(&self, op: Opcode) -> bool {
        const FOLLOWED: u32 = 8;
        if !matches!(op, Opcode::Return | Opcode::Return0 | Opcode::Return1)
            || !matches!(self.start, Start::Entry | Start::FunctionExit)
            || !self.frames.is_empty()
            || self.active.len() > 1
        {
            return false;
        }
        // SAFETY: the running frame has a site; a Lua caller's closure stands below its base.
        let returns_to_itself = unsafe {
            let frame = *(*self.direct.vm).frame_top;
            // A coroutine's first function has no caller.
            frame.site.as_ref().is_some_and(|site| {
                site.continuation == Continuation::Call && {
                    let base = self.direct.base.byte_sub(site.delta as usize);
                    let caller = *base.sub(1);
                    caller.tag == value::LUA_CLOSURE
                        && (*caller.as_pointer::<LuaClosure>()).proto == self.proto()
                }
            })
        };
        self.start == Start::Entry || !returns_to_itself || self.followed >= FOLLOWED
    }

    /// Back at the start: at the same depth of the same stack this is the end of an iteration, else
    /// another activation's.
    fn close(&mut self) -> Outcome {
        if self.base == 0 && self.frames.is_empty() && !self.left_thread {
            self.flush_frames();
            self.forget_snapshot();
            self.trace.end = End::Round(self.snapshot());
            return Outcome::Complete;
        }
        self.flush();
        self.trace.end = End::Link {
            trace: self.trace.number,
            base: self.base,
        };
        Outcome::Complete
    }

    /// Whether the back-edge at hand will be taken.
    unsafe fn is_taken(&self, op: Opcode) -> bool {
        // SAFETY: the current instruction is a back-edge of verified code.
        unsafe {
            let a = self.slot_of(Insn::at(self.instruction).a());
            match op {
                Opcode::ForLoop => {
                    self.concrete(a + 2).tag != value::INTEGER
                        || self.concrete(a + 1).as_integer() != 0
                }
                Opcode::GenericForLoop => !self.concrete(a + 4).is_nil(),
                _ => true,
            }
        }
    }

    /// Whether a loop's recording is no longer in the loop.
    fn has_left(&self, extent: &Extent) -> bool {
        if self.left_thread {
            return false;
        }
        // Frames that a step has pushed stand above the loop's own: they may well be popped.
        self.base < 0 || (self.base == 0 && !extent.contains(self.instruction))
    }

    /// At a `for` loop's end a step of 1 or -1 is known from here on: nearly all loops have such a
    /// constant, and indices then are at fixed distances from the loop's variable. Other steps may
    /// be as many as there are loops entered.
    fn promote_step(&mut self, i: Insn) {
        let slot = self.slot_of(i.a()) + 2;
        let step = RecordedValue {
            concrete: self.concrete(slot),
            source: Source::Slot(slot),
        };
        if step.concrete.tag != value::INTEGER || step.concrete.as_integer().unsigned_abs() != 1 {
            return;
        }
        self.guard_tag(step);
        let (observed, known) = (self.payload_of(step), self.int(step.concrete.as_integer()));
        if observed.is_constant() {
            return;
        }
        self.guard_expected(Op::GuardEq, 0, &[observed, known]);
        self.shadow.note(slot, |shadow| shadow.int = known);
    }

    /// An access to a member of a userdata: `None` when it is recorded in full, else what the step that
    /// is left calls, which is null for other instructions.
    unsafe fn left_of_member(
        &mut self,
        op: Opcode,
        i: Insn,
        family: Slow,
    ) -> Option<*mut NativeClosure> {
        // SAFETY: the instruction is the current one, of which nothing but guards was recorded.
        let access = unsafe {
            match family {
                Slow::Index => self.record_member(op, i),
                Slow::SetIndex => self.record_set_member(op, i),
                _ => Access::Unknown,
            }
        };
        match access {
            Access::Done => None,
            Access::By(accessor) => {
                let closure = accessor.as_pointer();
                self.object(closure as *const NativeClosure);
                Some(closure)
            }
            Access::Unknown => Some(std::ptr::null_mut()),
        }
    }

    /// A residual step: everything into memory, then the runtime does the instruction.
    unsafe fn step(
        &mut self,
        op: Opcode,
        i: Insn,
        family: Slow,
        accessor: *mut NativeClosure,
    ) -> u64 {
        // SAFETY: the recording's state is the machine's.
        unsafe {
            let vm = self.direct.vm;
            let pc = self.instruction.add(1);
            self.flush();
            self.forget_snapshot();
            self.end_fuel();
            let snapshot = self.snapshot();
            let (base, constants) = (self.direct.base, self.direct.constants);
            let thread = (*vm).thread;
            let varargs = (*(*vm).frame_top).varargs as i32;
            let place = |vm: *mut Vm| {
                (
                    (*vm).base.offset_from((*thread).stack.as_ptr()) as i32,
                    (*vm).frame_top.offset_from((*thread).frames.as_ptr()) as i32,
                )
            };
            (*vm).base = base;
            let before = place(vm);
            let code = interp::slow_step(vm, pc, base, constants, family);
            if code != 0 {
                return code;
            }
            let leaves_thread = (*vm).thread != thread;
            let (next_base, frames) = if leaves_thread {
                (0, 0)
            } else {
                let after = place(vm);
                (self.base + after.0 - before.0, after.1 - before.1)
            };
            let clobbers = self.clobbers(op, i, varargs, next_base);
            self.push_step(
                Step {
                    pc,
                    constants,
                    base: self.base,
                    top: self.top,
                    family,
                    accessor,
                    next_pc: (*vm).pc,
                    next_base,
                    frames,
                    clobbers,
                    is_early: false,
                    leaves_thread,
                },
                snapshot,
            );
            self.direct.pc = (*vm).pc;
            self.direct.base = (*vm).base;
            self.direct.constants = (*vm).constants;
            self.base = next_base;
            self.forget(clobbers.0, clobbers.1);
            if leaves_thread {
                self.shadow.clear();
                self.left_thread = true;
            }
            self.checked_stack = 0;
            self.checked_frames = 0;
            self.step_frames(frames);
            let proto = self.proto();
            self.object(proto);
            0
        }
    }

    /// A step has pushed or popped frames.
    fn step_frames(&mut self, frames: i32) {
        for _ in 0..frames {
            self.active.push(std::ptr::null());
        }
        for _ in frames..0 {
            self.active.pop();
        }
        if self.active.is_empty() {
            // Into who called the trace.
            self.has_returned = matches!(self.start, Start::Entry | Start::FunctionExit);
        }
        if frames != 0 {
            self.active.pop();
            self.active.push(self.proto());
        }
    }

    /// The slots that a step may have changed.
    fn clobbers(&self, op: Opcode, i: Insn, varargs: i32, next_base: i32) -> (i32, i32) {
        let a = self.slot_of(i.a());
        let below = self.base - 1 - varargs;
        let exact = match op {
            Opcode::Call | Opcode::SetList | Opcode::VarArg | Opcode::Close | Opcode::Concat => {
                (a, i32::MAX)
            }
            Opcode::GenericForCall => (a + 4, i32::MAX),
            Opcode::TailCall | Opcode::VarArgPrep => (below, i32::MAX),
            Opcode::Return | Opcode::Return0 | Opcode::Return1 | Opcode::ReturnClose => {
                (below.min(next_base), i32::MAX)
            }
            Opcode::Method => (a, a + 2),
            Opcode::ForPrep | Opcode::ForLoop | Opcode::GenericForLoop | Opcode::GenericForPrep => {
                (a, a + 7)
            }
            Opcode::SetIndex
            | Opcode::SetIndexConst
            | Opcode::SetInt
            | Opcode::SetField
            | Opcode::SetFieldConst
            | Opcode::SetUpvalueField
            | Opcode::SetUpvalue
            | Opcode::SetCell
            | Opcode::Loop => (0, 0),
            op if is_comparison(op) => (0, 0),
            _ => (a, a + 1),
        };
        if next_base == self.base {
            return exact;
        }
        // Another frame's registers came or went.
        let from = if exact.0 < exact.1 { exact.0 } else { i32::MAX };
        (from.min(next_base - 1), i32::MAX)
    }
}

/// Whether the opcode is a comparison or test with a jump: its slow path writes no register.
fn is_comparison(op: Opcode) -> bool {
    (Opcode::JumpIf as u8..=Opcode::JumpNotGeInt as u8).contains(&(op as u8))
}

/// The words of a loop.
#[derive(Debug)]
pub(super) struct Extent {
    from: *const u64,
    to: *const u64,
}

impl Extent {
    /// The loop of the back-edge at `first`.
    unsafe fn of(first: *const u64) -> Extent {
        // SAFETY: the caller passes an instruction of verified code.
        unsafe {
            let i = Insn::at(first);
            Extent {
                from: first.offset(1 + i.bci()),
                to: first.add(2),
            }
        }
    }
    fn contains(&self, pc: *const u64) -> bool {
        (self.from..self.to).contains(&pc)
    }
}
