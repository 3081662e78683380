//! Traces run without machine code: an evaluator performs their instructions on the real machine.
//!
//! It is slow, and as simple as can be. What goes wrong with it and with machine code alike is the
//! recorder's or the optimiser's fault; what goes wrong with machine code alone, the code generator's.
//! It also runs where there is no code generator.
//!
//! Invariants, as for machine code:
//! - The entry of a trace is the address of its [`Code`], an exit's stub that of its [`Exit`]. Both
//!   stay until [`Backend::flush`], which is called when no trace runs.
//! - Values of an exit are in the first spill slots, in the order in which snapshots count them.

use super::{
    Assembled, AssembledExit, DoStep, Location, MachineState, Refusal, Request, Restore,
    SPILL_SLOTS, Trampoline,
};
use crate::ir::compute::{holds, pure};
use crate::ir::eval::address;
use crate::ir::{Constant, End, Helper, Instruction, Op, Phi, Ref, Step, Type};
use perilune_runtime::gc::{BLACK, GcHeader};
use perilune_runtime::value::Value;
use perilune_runtime::vm::Vm;
use std::cell::Cell;
use std::ptr;
use std::sync::atomic::Ordering;

/// The evaluator of one state, with the traces that it may run.
#[derive(Debug)]
#[allow(clippy::vec_box, reason = "traces are entered by their addresses")]
pub struct Backend {
    traces: Vec<Box<Code>>,
    restore: Restore,
    step: DoStep,
}

/// A trace that can be run.
#[derive(Debug)]
struct Code {
    instructions: Vec<Instruction>,
    /// The bits of the constants; the machine's are not known here.
    constants: Vec<u64>,
    /// Steps are the trace's own, boxed.
    steps: Vec<*const Step>,
    phis: Vec<Phi>,
    loop_start: usize,
    end: Next,
    /// By snapshot; `None` for those that no guard has.
    exits: Vec<Option<Box<Exit>>>,
    restore: Restore,
    step: DoStep,
    deopt: Option<(u32, *mut u32)>,
}

/// What comes after the last instruction.
#[derive(Clone, Copy, Debug)]
enum Next {
    Loop,
    /// Another trace, or this one again (`None`); slots from this anchor to that one.
    Link(Option<*const Code>, isize),
    Exit(u32),
}

/// A way out of a trace.
#[derive(Debug)]
struct Exit {
    number: u32,
    values: Vec<Ref>,
    /// The side trace that starts here.
    side: Cell<*const Code>,
}

impl Backend {
    /// An evaluator.
    pub(super) fn new(restore: Restore, step: DoStep) -> Backend {
        Backend {
            traces: Vec::new(),
            restore,
            step,
        }
    }

    /// The function that enters traces.
    pub(super) fn trampoline(&self) -> Trampoline {
        enter
    }

    /// Prepares a trace.
    pub(super) fn assemble(&mut self, request: &Request) -> Result<Assembled, Refusal> {
        let trace = request.trace;
        let end = match trace.end {
            End::Loop => Next::Loop,
            End::Link { trace: n, base } if n == trace.number => Next::Link(None, base as isize),
            End::Link { trace: n, base } => {
                let entry = (request.entry_of)(n).ok_or(Refusal::Malformed)?;
                Next::Link(Some(entry.cast()), base as isize)
            }
            End::Exit(snapshot) => Next::Exit(snapshot),
            End::Round(_) => return Err(Refusal::Malformed),
        };
        let mut exits: Vec<Option<Box<Exit>>> = trace.snapshots.iter().map(|_| None).collect();
        let mut assembled = Vec::new();
        let guards = trace.code.iter().filter(|i| i.op.is_guard());
        let last = match trace.end {
            End::Exit(snapshot) => Some(snapshot),
            _ => None,
        };
        for snapshot in guards.map(|i| i.snapshot).chain(last) {
            if exits[snapshot as usize].is_some() {
                continue;
            }
            let values: Vec<Ref> = trace.snapshots.get(snapshot).values().collect();
            if values.len() > SPILL_SLOTS {
                return Err(Refusal::TooManyValues);
            }
            let exit = Box::new(Exit {
                number: request.first_exit + assembled.len() as u32,
                side: Cell::new(ptr::null()),
                values,
            });
            assembled.push(AssembledExit {
                snapshot,
                values: 0..exit.values.len() as u32,
                stub: &raw const *exit as usize,
            });
            exits[snapshot as usize] = Some(exit);
        }
        let is_known = |i: &Instruction| match i.op {
            Op::CallInt | Op::CallFloat => i.helper().is_some_and(is_callable),
            _ => true,
        };
        if !trace.code.iter().all(is_known) {
            return Err(Refusal::Malformed);
        }
        let code = Box::new(Code {
            instructions: trace.code.clone(),
            constants: trace
                .constants
                .iter()
                .map(|c: &Constant| c.bits())
                .collect(),
            steps: trace.steps.iter().map(|step| &raw const **step).collect(),
            phis: trace.phis.clone(),
            loop_start: trace.loop_start().unwrap_or(0),
            end,
            exits,
            restore: self.restore,
            step: self.step,
            deopt: request.deopt,
        });
        let entry = (&raw const *code).cast();
        self.traces.push(code);
        // Those of each exit begin with the first slot.
        let most = assembled.iter().map(|exit| exit.values.end).max();
        let values = (0..most.unwrap_or(0) as u16).map(Location::Spill).collect();
        Ok(Assembled {
            entry,
            exits: assembled,
            values,
            code_bytes: size_of_val(&trace.code[..]),
        })
    }

    /// Makes an exit go to a side trace.
    ///
    /// # Safety
    /// The stub is that of an exit of this evaluator.
    pub(super) unsafe fn patch(&mut self, stub: usize, entry: *const u8) {
        // SAFETY: the caller's contract.
        unsafe { (*(stub as *const Exit)).side.set(entry.cast()) }
    }

    /// Drops all traces; none of them runs.
    pub(super) fn flush(&mut self) {
        self.traces.clear();
    }
}

/// How a trace was left.
enum Left {
    /// For the interpreter, with this answer.
    Answer(u64),
    /// For another trace, which inherits these values.
    Trace(*const Code, Vec<u64>),
}

/// Runs the trace, and those to which it leads.
unsafe extern "C-unwind" fn enter(vm: *mut Vm, anchor: *mut Value, entry: *const u8) -> u64 {
    let mut code: *const Code = entry.cast();
    let mut inherited = Vec::new();
    let mut anchor = anchor;
    loop {
        // SAFETY: the entry is that of a trace, which stays while it runs; the caller enters it in
        // the state for which it was recorded.
        let left = unsafe {
            let mut run = Run {
                code: &*code,
                vm,
                anchor,
                values: vec![0; (*code).instructions.len()],
                inherited,
            };
            let left = run.run();
            anchor = run.anchor;
            left
        };
        match left {
            Left::Answer(answer) => return answer,
            Left::Trace(next, values) => (code, inherited) = (next, values),
        }
    }
}

/// A trace at work.
struct Run<'a> {
    code: &'a Code,
    vm: *mut Vm,
    anchor: *mut Value,
    values: Vec<u64>,
    inherited: Vec<u64>,
}

impl Run<'_> {
    /// # Safety
    /// For this and what follows: the trace is entered in the state for which it was recorded, so
    /// that what its guards establish makes its accesses valid.
    unsafe fn run(&mut self) -> Left {
        let mut start = 0;
        loop {
            for n in start..self.code.instructions.len() {
                // SAFETY: as for this function.
                if let Some(left) = unsafe { self.instruction(n) } {
                    return left;
                }
            }
            match self.code.end {
                Next::Loop => {
                    let phis = &self.code.phis;
                    let next: Vec<u64> = phis.iter().map(|phi| self.value(phi.back)).collect();
                    for (phi, next) in phis.iter().zip(next) {
                        self.set(phi.entry, next);
                    }
                    start = self.code.loop_start;
                }
                Next::Link(next, base) => {
                    self.anchor = self.anchor.wrapping_offset(base);
                    return Left::Trace(next.unwrap_or(self.code), Vec::new());
                }
                // SAFETY: as for this function.
                Next::Exit(snapshot) => return unsafe { self.leave(snapshot) },
            }
        }
    }

    fn value(&self, r: Ref) -> u64 {
        match (r.as_instruction(), r.as_constant()) {
            (Some(n), _) => self.values[n],
            (None, Some(_)) if r == Ref::VM => self.vm as u64,
            (None, Some(n)) => self.code.constants[n],
            (None, None) => 0,
        }
    }

    fn set(&mut self, r: Ref, bits: u64) {
        if let Some(n) = r.as_instruction() {
            self.values[n] = bits;
        }
    }

    /// Leaves through a snapshot.
    unsafe fn leave(&self, snapshot: u32) -> Left {
        let exit = self.code.exits[snapshot as usize].as_deref();
        let exit = exit.expect("every snapshot of a guard has its exit");
        let values: Vec<u64> = exit.values.iter().map(|&r| self.value(r)).collect();
        let side = exit.side.get();
        if !side.is_null() {
            return Left::Trace(side, values);
        }
        let mut state = MachineState {
            exit: u64::from(exit.number),
            general: [0; 16],
            float: [0; 16],
            spills: [0; SPILL_SLOTS],
        };
        state.spills[..values.len()].copy_from_slice(&values);
        Left::Answer((self.code.restore)(self.vm, &raw const state, self.anchor))
    }

    /// Does one instruction; the way out, if the trace is left.
    unsafe fn instruction(&mut self, n: usize) -> Option<Left> {
        let i = self.code.instructions[n];
        let [a, b, c] = i.args.map(|r| self.value(r));
        // SAFETY: as for `run`.
        unsafe {
            let slot = self.anchor.wrapping_offset(i.imm as isize);
            let result = match i.op {
                Op::Loop => return None,
                Op::InheritInt | Op::InheritFloat => self.inherited[i.imm as usize],
                Op::SlotTag => u64::from((*slot).tag),
                Op::SlotInt | Op::SlotFloat => (*slot).payload,
                Op::StoreSlotTag => {
                    (*slot).tag = a as u8;
                    return None;
                }
                Op::StoreSlotInt | Op::StoreSlotFloat => {
                    (*slot).payload = a;
                    return None;
                }
                Op::CallInt | Op::CallFloat => {
                    call(Helper::ALL[i.imm as usize], [a, b, c], self.vm)
                }
                Op::Step => return self.step(i),
                Op::BarrierBack | Op::BarrierForward => {
                    let (heap, object) = (&mut (*self.vm).heap, a as *mut GcHeader);
                    if (*object).mark & BLACK != 0 {
                        match i.op {
                            Op::BarrierBack => heap.barrier_back_slow(object),
                            _ => heap.barrier_forward_slow(object, b as *mut GcHeader),
                        }
                    }
                    return None;
                }
                op if op.is_guard() => return self.guard(i, a, b),
                op => match address(&i, a, b) {
                    Some(at) if op.result() == Type::None => {
                        let value = if i.args[2] == Ref::NONE { b } else { c };
                        store(op, at as usize, value);
                        return None;
                    }
                    Some(at) => load(op, at as usize),
                    None => pure(op, a, b).expect("divisors are guarded"),
                },
            };
            self.values[n] = result;
        }
        None
    }

    unsafe fn guard(&self, i: Instruction, a: u64, b: u64) -> Option<Left> {
        // SAFETY: as for `run`; the countdown is the engine's.
        unsafe {
            let deopt = self.code.deopt;
            if let Some((every, countdown)) =
                deopt.filter(|_| !i.asks_for_write(&self.code.instructions))
            {
                *countdown = (*countdown).wrapping_sub(1);
                if *countdown == 0 {
                    *countdown = every;
                    return Some(self.leave(i.snapshot));
                }
            }
            let holds = match i.op {
                Op::GuardStack => {
                    let end = (self.anchor as usize).wrapping_add_signed(i.imm as isize);
                    end <= (*self.vm).stack_limit as usize
                }
                Op::GuardPaid => (*self.vm).heap.charge_unmade(i.imm as usize),
                Op::GuardFuel => {
                    let left = (*self.vm).fuel - i64::from(i.imm);
                    if left >= 0 {
                        (*self.vm).fuel = left;
                    }
                    left >= 0
                }
                Op::GuardQuiet => (*self.vm).pending.load(Ordering::Relaxed) == 0,
                op => holds(op, a, b).expect("all other guards compare"),
            };
            (!holds).then(|| self.leave(i.snapshot))
        }
    }

    unsafe fn step(&mut self, i: Instruction) -> Option<Left> {
        let step = self.code.steps[i.imm as usize];
        let answer = (self.code.step)(self.vm, step, self.anchor);
        if answer != 0 {
            return Some(Left::Answer(answer));
        }
        // SAFETY: as for `run`: the trace, and its steps, stay while it runs.
        self.anchor = unsafe {
            (*self.vm)
                .base
                .wrapping_offset(-((*step).next_base as isize))
        };
        None
    }
}

unsafe fn load(op: Op, at: usize) -> u64 {
    // SAFETY: the trace's guards have established that the address is valid.
    unsafe {
        match op {
            Op::Load8 | Op::Load8At => u64::from(*(at as *const u8)),
            Op::Load32 => u64::from((at as *const u32).read_unaligned()),
            _ => (at as *const u64).read_unaligned(),
        }
    }
}

unsafe fn store(op: Op, at: usize, bits: u64) {
    // SAFETY: the trace's guards have established that the address is valid.
    unsafe {
        match op {
            Op::Store8 | Op::Store8At => *(at as *mut u8) = bits as u8,
            Op::Store32 => (at as *mut u32).write_unaligned(bits as u32),
            _ => (at as *mut u64).write_unaligned(bits),
        }
    }
}

macro_rules! helper_calls {
    ($([$($operand:ident),*] -> $result:ident;)*) => {
        /// Whether the evaluator can call a helper.
        fn is_callable(helper: Helper) -> bool {
            match (helper.operands(), helper.result()) {
                $(([$(Type::$operand),*], Type::$result) => true,)*
                _ => false,
            }
        }

        /// Calls a helper through its address, as machine code does.
        ///
        /// # Safety
        /// The operands are what the helper takes, and it [`is_callable`].
        #[allow(unused_assignments, reason = "the last operand's number is not read")]
        unsafe fn call(helper: Helper, args: [u64; 3], vm: *mut Vm) -> u64 {
            let mut n = 0;
            let mut next = || { n += 1; args[n - 1] };
            match (helper.operands(), helper.result()) {
                $(([$(Type::$operand),*], Type::$result) => {
                    type Function = unsafe extern "C-unwind" fn($(operand_type!($operand),)* *mut Vm)
                        -> operand_type!($result);
                    // SAFETY: helpers are functions of the types that they declare.
                    let result = unsafe {
                        let function: Function = std::mem::transmute(helper.address());
                        function($(from_bits!($operand, next()),)* vm)
                    };
                    to_bits!($result, result)
                })*
                _ => unreachable!("traces with such a helper are refused"),
            }
        }
    };
}
macro_rules! operand_type {
    (Int) => {
        u64
    };
    (Float) => {
        f64
    };
}
macro_rules! from_bits {
    (Int, $bits:expr) => {
        $bits
    };
    (Float, $bits:expr) => {
        f64::from_bits($bits)
    };
}
macro_rules! to_bits {
    (Int, $v:expr) => {
        $v
    };
    (Float, $v:expr) => {
        $v.to_bits()
    };
}
helper_calls! {
    [] -> Int;
    [Int] -> Int;
    [Int, Int] -> Int;
    [Int, Int, Int] -> Int;
    [Float] -> Float;
    [Float, Float] -> Float;
    [Float, Int] -> Float;
    [Float] -> Int;
    [Int] -> Float;
    [Float, Float] -> Int;
}
