//! The dispatch loop while the running thread has a hook: the same opcode functions, with line and
//! count events before each instruction (manual §6.10, `debug.sethook`).

use super::{EXIT_SWITCH, perform, portable};
use crate::call::{Next, drive};
use crate::error::Limit;
use crate::hook;
use crate::machine::Slow;
use crate::vm::{Vm, pending};
use perilune_frontend::bytecode::opcode::Opcode;
use std::sync::atomic::Ordering;

/// Runs until an exit, or until the running thread has no hook.
///
/// # Safety
/// As [`super::run`].
pub(super) unsafe fn run(vm: *mut Vm) -> u64 {
    // SAFETY: the caller's contract.
    unsafe {
        loop {
            if (*vm).pending.load(Ordering::Relaxed) & pending::HOOK == 0 {
                return EXIT_SWITCH;
            }
            if (*vm).has_fuel && !crate::limit::burn(vm) {
                let error = crate::limit::error(vm, Limit::Fuel);
                let code = drive(vm, Next::Raise(error));
                if code != 0 {
                    return code;
                }
                continue;
            }
            (*vm).hooked_instructions += 1;
            let next = match hook::before_instruction(vm) {
                Ok(next) => next,
                Err(error) => Some(Next::Raise(error)),
            };
            if let Some(next) = next {
                let code = drive(vm, next);
                if code != 0 {
                    return code;
                }
                continue;
            }
            if (*vm).pending.load(Ordering::Relaxed) & pending::HOOK == 0 {
                return EXIT_SWITCH;
            }
            let pc = (*vm).pc;
            let op = Opcode::ALL[*(pc as *const u8) as usize];
            // Returns take the slow path, which reports them to the hook.
            let code = if matches!(op, Opcode::Return | Opcode::Return0 | Opcode::Return1) {
                perform(vm, pc.add(1), (*vm).base, (*vm).constants, Slow::Return)
            } else {
                portable::step(vm)
            };
            if code != 0 && code != EXIT_SWITCH {
                return code;
            }
        }
    }
}
