//! The portable dispatch loop, over any machine's step; also how tests drive other machines.

use super::{opcode_function, perform};
use crate::machine::{Counting, Direct, Flow};
use crate::vm::Vm;
use perilune_frontend::bytecode::opcode::Opcode;

/// Executes one instruction from the saved state; a non-zero answer is an exit code.
///
/// # Safety
/// As [`super::run`].
pub(super) unsafe fn step(vm: *mut Vm) -> u64 {
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
                0
            }
            Flow::Slow(family) => perform(vm, pc.add(1), (*vm).base, (*vm).constants, family),
        }
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

/// Runs until an exit on the counting machine, adding to `counts` by primitive and to `opcodes` by
/// opcode.
///
/// # Safety
/// As [`super::run`].
pub unsafe fn run_counting(vm: *mut Vm, counts: &mut [u64], opcodes: &mut [u64]) -> u64 {
    // SAFETY: the caller's contract.
    unsafe {
        loop {
            let pc = (*vm).pc;
            let direct = Direct::new(vm, pc.add(1), (*vm).base, (*vm).constants);
            let i = direct.insn();
            let op = Opcode::ALL[i.op_byte() as usize];
            opcodes[op as usize] += 1;
            let mut m = Counting { direct, counts };
            let code = match opcode_function(op, &mut m, i) {
                Flow::Next => {
                    (*vm).pc = m.direct.pc;
                    (*vm).base = m.direct.base;
                    (*vm).constants = m.direct.constants;
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
