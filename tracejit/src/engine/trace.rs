//! Residual steps of running traces.

use super::Engine;
use crate::ir::Step;
use perilune_runtime::interp;
use perilune_runtime::value::Value;
use perilune_runtime::vm::{Vm, pending};
use std::sync::atomic::Ordering;

/// The trace was left after a step; the state in the machine is that of the next instruction.
pub(super) const LEFT: u64 = u64::MAX;

/// Does one bytecode instruction for a trace: 0 when execution goes on where it went on while
/// recording.
pub(super) extern "C-unwind" fn step(vm: *mut Vm, step: *const Step, anchor: *mut Value) -> u64 {
    // SAFETY: called from a trace, which has brought everything into memory. The step may be
    // dropped by what it does only when no trace runs.
    unsafe {
        let step = &*step;
        let thread = (*vm).thread;
        let base = anchor.offset(step.base as isize);
        let place = |vm: *mut Vm| {
            (
                (*vm).base.offset_from((*thread).stack.as_ptr()) as i32,
                (*vm).frame_top.offset_from((*thread).frames.as_ptr()) as i32,
            )
        };
        (*vm).base = base;
        let before = place(vm);
        let code = interp::slow_step(vm, step.pc, base, step.constants, step.family);
        if code != 0 {
            return code;
        }
        let as_recorded = (*vm).pc == step.next_pc
            && if step.leaves_thread {
                (*vm).thread != thread
            } else {
                let after = place(vm);
                (*vm).thread == thread
                    && after.0 - before.0 == step.next_base - step.base
                    && after.1 - before.1 == step.frames
            };
        let disturbed = (*vm).pending.load(Ordering::Relaxed) & pending::HOOK != 0
            || Engine::of(vm).is_none_or(|engine| engine.invalidated.get());
        if as_recorded && !disturbed { 0 } else { LEFT }
    }
}
