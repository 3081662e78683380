//! Residual steps of running traces.

use super::Engine;
use crate::ir::Step;
use perilune_runtime::interp::{self, MemberAccess};
use perilune_runtime::layout;
use perilune_runtime::machine::Slow;
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
        let (thread, is_early) = ((*vm).thread, step.is_early);
        let base = anchor.offset(step.base as isize);
        let (stack, frames) = ((*thread).stack.as_ptr(), (*thread).frames.as_ptr());
        let top = (*vm).frame_top;
        (*vm).base = base;
        if let Some(top) = step.top {
            (*vm).top = anchor.offset(top as isize);
        }
        let code = if step.accessor.is_null() {
            interp::slow_step(vm, step.pc, base, step.constants, step.family)
        } else {
            let access = match step.family {
                Slow::SetIndex => MemberAccess::Write,
                _ => MemberAccess::Read,
            };
            let accessor = Value::native_closure(step.accessor);
            interp::member_step(vm, step.pc, base, step.constants, access, accessor)
        };
        if code != 0 {
            return code;
        }
        let same_thread = (*vm).thread == thread;
        // The stacks may have moved.
        let as_recorded = (*vm).pc == step.next_pc
            && same_thread != step.leaves_thread
            && (!same_thread
                || (bytes_between((*thread).stack.as_ptr(), (*vm).base)
                    == bytes_between(stack, base)
                        + ((step.next_base - step.base) * layout::VALUE_SIZE) as isize
                    && bytes_between((*thread).frames.as_ptr(), (*vm).frame_top)
                        == bytes_between(frames, top)
                            + (step.frames * layout::FRAME_SIZE) as isize));
        let disturbed = (*vm).pending.load(Ordering::Relaxed) & pending::HOOK != 0
            || Engine::of(vm).is_none_or(|engine| engine.invalidated.get());
        if as_recorded && !disturbed {
            return 0;
        }
        if let Some(engine) = Engine::of(vm) {
            engine.left_early.set(is_early);
        }
        LEFT
    }
}

fn bytes_between<T>(from: *const T, to: *const T) -> isize {
    (to as isize).wrapping_sub(from as isize)
}
