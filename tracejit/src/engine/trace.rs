//! Residual steps of running traces.

use super::Engine;
use crate::ir::Step;
use perilune_runtime::coroutine::Thread;
use perilune_runtime::frame::Frame;
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
        // Most steps leave everything where it is.
        let is_where_it_was = (*vm).base == base
            && (*vm).frame_top == top
            && (*vm).thread == thread
            && (*thread).stack.as_ptr() == stack
            && (*thread).frames.as_ptr() == frames;
        let as_recorded = (*vm).pc == step.next_pc
            && if is_where_it_was {
                step.stays()
            } else {
                has_gone_on(vm, step, (thread, base, top), (stack, frames))
            };
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

/// Whether the thread, the base and the frames are what they were after the step while it was recorded.
/// Before it they were the first three, with the thread's stack and frames at these addresses.
#[inline(never)]
unsafe fn has_gone_on(
    vm: *mut Vm,
    step: &Step,
    (thread, base, top): (*mut Thread, *mut Value, *mut Frame),
    (stack, frames): (*const Value, *const Frame),
) -> bool {
    // SAFETY: the machine is live, and the thread as well if it still runs.
    unsafe {
        if (*vm).thread != thread {
            return step.leaves_thread;
        }
        // The stacks may have moved.
        !step.leaves_thread
            && bytes_between((*thread).stack.as_ptr(), (*vm).base)
                == bytes_between(stack, base)
                    + ((step.next_base - step.base) * layout::VALUE_SIZE) as isize
            && bytes_between((*thread).frames.as_ptr(), (*vm).frame_top)
                == bytes_between(frames, top) + (step.frames * layout::FRAME_SIZE) as isize
    }
}

fn bytes_between<T>(from: *const T, to: *const T) -> isize {
    (to as isize).wrapping_sub(from as isize)
}
