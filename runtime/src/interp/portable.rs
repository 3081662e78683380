//! The portable dispatch loop, over any machine's step; also how tests drive other machines.

use super::{opcode_function, perform};
use crate::hot;
use crate::machine::{Counting, Direct, Flow, Primitive};
use crate::vm::Vm;
use perilune_frontend::bytecode::opcode::Opcode;

/// Executes one instruction from the saved state; a non-zero answer is an exit code.
///
/// # Safety
/// As [`super::run`].
pub unsafe fn step(vm: *mut Vm) -> u64 {
    // SAFETY: the caller's contract; verified code has only opcodes.
    unsafe {
        let pc = (*vm).pc;
        let mut m = Direct::new(vm, pc.add(1), (*vm).base, (*vm).constants);
        let i = m.insn();
        let op = Opcode::ALL[i.op_byte() as usize];
        match opcode_function(op, &mut m, i) {
            Flow::Next => {
                (*vm).pc = m.pc;
                (*vm).base = m.base;
                (*vm).constants = m.constants;
                if m.pc == hot::at_hot_entry() {
                    (*vm).pc = hot::start_of(m.base);
                }
                0
            }
            Flow::Slow(family) => perform(vm, pc.add(1), (*vm).base, (*vm).constants, family),
        }
    }
}

/// Executes one instruction in place of the dispatch loop, as [`step`]; counts it if fuel is counted.
/// Without fuel nothing is done, and the dispatch loop will find that out.
///
/// # Safety
/// As [`super::run`].
pub unsafe fn single_step(vm: *mut Vm) -> u64 {
    // SAFETY: the caller's contract.
    unsafe {
        if (*vm).has_fuel && !crate::limit::burn(vm) {
            return 0;
        }
        step(vm)
    }
}

/// Runs until an exit.
///
/// # Safety
/// As [`super::run`].
pub unsafe fn run(vm: *mut Vm) -> u64 {
    // SAFETY: the caller's contract.
    unsafe {
        loop {
            let code = step(vm);
            if code != 0 {
                return code;
            }
        }
    }
}

/// What the counting machine counts.
#[derive(Debug)]
pub struct Counts {
    /// Uses of each primitive, by `Primitive as usize`.
    pub primitives: Vec<u64>,
    /// Executions of each opcode, by `Opcode as usize`.
    pub opcodes: Vec<u64>,
}

impl Default for Counts {
    fn default() -> Counts {
        Counts {
            primitives: vec![0; Primitive::ALL.len()],
            opcodes: vec![0; Opcode::ALL.len()],
        }
    }
}

/// Runs until an exit on the counting machine, adding to `vm.counting`.
///
/// # Safety
/// As [`super::run`].
pub(super) unsafe fn run_counting(vm: *mut Vm) -> u64 {
    // SAFETY: the caller's contract; the counts are nobody else's while one instruction runs.
    unsafe {
        loop {
            let Some(counts) = &mut (*vm).counting else {
                return super::EXIT_SWITCH;
            };
            let pc = (*vm).pc;
            let direct = Direct::new(vm, pc.add(1), (*vm).base, (*vm).constants);
            let i = direct.insn();
            let op = Opcode::ALL[i.op_byte() as usize];
            counts.opcodes[op as usize] += 1;
            let mut m = Counting {
                direct,
                counts: &mut counts.primitives,
            };
            let code = match opcode_function(op, &mut m, i) {
                Flow::Next => {
                    (*vm).pc = m.direct.pc;
                    (*vm).base = m.direct.base;
                    (*vm).constants = m.direct.constants;
                    if m.direct.pc == hot::at_hot_entry() {
                        (*vm).pc = hot::start_of(m.direct.base);
                    }
                    0
                }
                Flow::Slow(family) => perform(vm, pc.add(1), (*vm).base, (*vm).constants, family),
            };
            if code != 0 {
                return code;
            }
        }
    }
}
