//! The dispatch loop while fuel is counted (`limit.rs`): the same opcode functions and slow paths, one
//! instruction's fuel before each.

use super::{EXIT_HOT, EXIT_HOT_ENTRY, EXIT_SWITCH, hot, opcode_function, slow_step};
use crate::call::{Next, drive};
use crate::error::Limit;
use crate::limit;
use crate::machine::{Direct, Flow, Slow};
use crate::vm::{Vm, pending};
use perilune_frontend::bytecode::opcode::Opcode;
use std::sync::atomic::Ordering;

/// Runs until an exit, or until fuel is no longer counted or a hook is set.
///
/// # Safety
/// As [`super::run`].
pub(super) unsafe fn run(vm: *mut Vm) -> u64 {
    // SAFETY: the caller's contract; verified code has only opcodes.
    unsafe {
        loop {
            if !limit::burn(vm) {
                let error = limit::error(vm, Limit::Fuel);
                let code = drive(vm, Next::Raise(error));
                if code != 0 {
                    return code;
                }
                // The frame that has caught the error may be one of a thread with a hook.
                if (*vm).pending.load(Ordering::Relaxed) & pending::HOOK != 0 {
                    return EXIT_SWITCH;
                }
                continue;
            }
            let pc = (*vm).pc;
            let mut m = Direct::new(vm, pc.add(1), (*vm).base, (*vm).constants);
            let i = m.insn();
            let op = Opcode::ALL[i.op_byte() as usize];
            let code = match opcode_function(op, &mut m, i) {
                Flow::Next => {
                    (*vm).pc = m.pc;
                    (*vm).base = m.base;
                    (*vm).constants = m.constants;
                    if m.pc == crate::hot::at_hot_entry() {
                        (*vm).pc = crate::hot::start_of(m.base);
                        return EXIT_HOT_ENTRY;
                    }
                    continue;
                }
                Flow::Slow(Slow::Poll) => hot::poll(vm, pc.add(1), (*vm).base, (*vm).constants),
                Flow::Slow(family) => slow_step(vm, pc.add(1), (*vm).base, (*vm).constants, family),
            };
            if code == EXIT_HOT {
                // The instruction was not executed.
                (*vm).fuel += 1;
            }
            if code != 0 {
                return code;
            }
        }
    }
}
