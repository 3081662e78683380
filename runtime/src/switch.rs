//! Coroutine switches: resume, yield, death and closing, all within one `run` invocation.

use crate::call::{Next, pop_frame};
use crate::close;
use crate::coroutine::{Status, Thread};
use crate::error::{LuaError, Result};
use crate::frame::{Continuation, FRAME_C_CALL, Frame};
use crate::native::CallResult;
use crate::protect;
use crate::stack;
use crate::value::Value;
use crate::vm::{MAX_C_CALLS, Vm};

/// Copies `count` values from `first` (in another thread's stack) to slot index `at` above the
/// running thread's base and records the slots of its native frame.
unsafe fn receive(vm: *mut Vm, first: *const Value, count: usize, slot: u32) -> Result<()> {
    // SAFETY: the other thread's stack does not move here.
    unsafe {
        stack::ensure(vm, slot as usize + count)?;
        deliver(vm, first, count as u32, slot);
        Ok(())
    }
}

/// Gives results to the native frame that resumed, unless its stack has no room for them.
unsafe fn hand_over(
    vm: *mut Vm,
    first: *const Value,
    count: usize,
    slot: u32,
    state: u32,
) -> Result<Next> {
    // SAFETY: as `receive`.
    unsafe {
        if receive(vm, first, count, slot).is_err() {
            return refuse(vm, "too many results to resume", slot, state);
        }
        Ok(Next::Step {
            state,
            result: CallResult::Returned(count as u32),
        })
    }
}

/// Fails a resume or close: the message goes to the native frame's `slot`.
unsafe fn refuse(vm: *mut Vm, message: &str, slot: u32, state: u32) -> Result<Next> {
    // SAFETY: the running frame is native and has that slot.
    unsafe {
        let message = (*vm).string(message.as_bytes())?;
        Ok(protect::deliver(
            vm,
            LuaError::Runtime(message),
            slot,
            state,
        ))
    }
}

/// `Action::Resume`: the native frame on top resumes the coroutine in `slot`.
pub(crate) unsafe fn resume(vm: *mut Vm, slot: u32, args: u32, state: u32) -> Result<Next> {
    // SAFETY: the running frame is native; the slot holds a thread.
    unsafe {
        let place = (*vm).base.add(slot as usize - 1);
        let target: *mut Thread = (*place).as_pointer();
        let current = (*vm).thread;
        match (*target).status {
            Status::Suspended => {}
            Status::Dead => return refuse(vm, "cannot resume dead coroutine", slot, state),
            _ => return refuse(vm, "cannot resume non-suspended coroutine", slot, state),
        }
        if (*current).c_calls >= MAX_C_CALLS {
            return refuse(vm, "C stack overflow", slot, state);
        }
        switch_to(vm, target, slot, args, state);
        let first = place.add(1);
        if (*target).frame_index == 0 {
            return start(vm, first, args as usize);
        }
        let (own_slot, own_state) = (*target).own_point;
        if own_slot == PAUSED {
            (*vm).limits.goes_on = true;
            return Ok(Next::Continue);
        }
        if let Err(error) = receive(vm, first, args as usize, own_slot) {
            return Ok(Next::Raise(error));
        }
        Ok(Next::Step {
            state: own_state,
            result: CallResult::Returned(args),
        })
    }
}

/// Makes `target` the running thread, resumed by the native frame on top.
#[inline(always)]
unsafe fn switch_to(vm: *mut Vm, target: *mut Thread, slot: u32, args: u32, state: u32) {
    // SAFETY: the caller has checked that the thread may be resumed.
    unsafe {
        let current = (*vm).thread;
        (*(*vm).frame_top).varargs = slot + args;
        stack::save_thread(vm);
        (*current).status = Status::Normal;
        (*target).status = Status::Running;
        (*target).resumer = current;
        (*target).resumer_point = (slot, state);
        (*target).c_calls = (*current).c_calls + 1;
        stack::load_thread(vm, target);
    }
}

/// Whether `thread`, which does not run, has room for `count` values from `slot` of its native
/// frame on.
#[cfg(threaded)]
#[inline(always)]
unsafe fn has_room(thread: *const Thread, slot: u32, count: u32) -> bool {
    // SAFETY: the thread is live.
    unsafe {
        let room = (&(*thread).stack).len() - crate::vm::EXTRA_SLOTS - (*thread).base;
        (slot + count) as usize <= room
    }
}

/// [`resume`] of a thread that has yielded, if nothing stands in the way: answers the state and
/// number of values with which the native function on top of it goes on. Otherwise nothing is done.
///
/// # Safety
/// As for `resume`.
#[cfg(threaded)]
#[inline(always)]
pub(crate) unsafe fn resume_yielded(
    vm: *mut Vm,
    slot: u32,
    args: u32,
    state: u32,
) -> Option<(u32, u32)> {
    // SAFETY: the running frame is native; the slot holds a thread.
    unsafe {
        let place = (*vm).base.add(slot as usize - 1);
        let target: *mut Thread = (*place).as_pointer();
        let (own_slot, own_state) = (*target).own_point;
        if (*target).status != Status::Suspended
            || (*target).frame_index == 0
            || own_slot == PAUSED
            || (*(*vm).thread).c_calls >= MAX_C_CALLS
            || !has_room(target, own_slot, args)
        {
            return None;
        }
        switch_to(vm, target, slot, args, state);
        deliver(vm, place.add(1), args, own_slot);
        Some((own_state, args))
    }
}

/// [`yield_`], if nothing stands in the way; answers as [`resume_yielded`] for the resumer.
///
/// # Safety
/// As for `yield_`.
#[cfg(threaded)]
#[inline(always)]
pub(crate) unsafe fn yield_to_resumer(
    vm: *mut Vm,
    slot: u32,
    count: u32,
    state: u32,
) -> Option<(u32, u32)> {
    // SAFETY: the running frame is native and has these slots; a coroutine that runs has a resumer.
    unsafe {
        let thread = (*vm).thread;
        if (*thread).non_yieldable > 0
            || thread == (*vm).main_thread
            || !has_room((*thread).resumer, (*thread).resumer_point.0, count)
        {
            return None;
        }
        let first = suspend(vm, slot, state);
        let (slot, state) = back_to_resumer(vm);
        deliver(vm, first, count, slot);
        Some((state, count))
    }
}

/// Copies values to the running native frame, which has room for them.
#[inline(always)]
unsafe fn deliver(vm: *mut Vm, first: *const Value, count: u32, slot: u32) {
    // SAFETY: the caller has seen to the room; the other thread's stack does not move here.
    unsafe {
        let target = (*vm).base.add(slot as usize - 1);
        for n in 0..count as usize {
            *target.add(n) = *first.add(n);
        }
        (*(*vm).frame_top).varargs = slot - 1 + count;
    }
}

/// Suspends the running thread, which goes on in `state`; answers where its values from `slot` on
/// are.
#[inline(always)]
unsafe fn suspend(vm: *mut Vm, slot: u32, state: u32) -> *mut Value {
    // SAFETY: the running frame is native and has these slots.
    unsafe {
        let thread = (*vm).thread;
        (*thread).own_point = (slot, state);
        (*(*vm).frame_top).varargs = slot - 1;
        let first = (*vm).base.add(slot as usize - 1);
        (*vm).top = first;
        stack::save_thread(vm);
        (*thread).status = Status::Suspended;
        forget_c_calls(thread);
        first
    }
}

/// Calls on the stack of a thread that leaves its resumer do not count as C calls any more: when it
/// is resumed, or closed, it counts from who does that.
#[inline(always)]
unsafe fn forget_c_calls(thread: *mut Thread) {
    // SAFETY: the thread is live, was saved, and its resumer waits.
    unsafe {
        if (*thread).c_calls != (*(*thread).resumer).c_calls + 1 {
            forget_each_c_call(thread);
        }
    }
}

#[cold]
unsafe fn forget_each_c_call(thread: *mut Thread) {
    // SAFETY: as for `forget_c_calls`.
    unsafe {
        let used = (*thread).frame_index;
        for frame in &mut (&mut (*thread).frames)[..=used] {
            frame.flags &= !FRAME_C_CALL;
        }
    }
}

/// The first resume: calls the body, which stands in slot 1 of the new stack, with the arguments that the
/// thread was given before ([`give_argument`]) and those of the resume.
unsafe fn start(vm: *mut Vm, first: *const Value, args: usize) -> Result<Next> {
    // SAFETY: the thread has only its sentinel frame; its body is above it.
    unsafe {
        // The call of the body is the one that `resume` has counted.
        crate::call::check_c_calls(vm, (*(*vm).thread).c_calls)?;
        let given = (*vm).top.offset_from((*vm).base) as usize - 1;
        stack::ensure(vm, 1 + given + args)?;
        let function = (*vm).base;
        for n in 0..args {
            *function.add(1 + given + n) = *first.add(n);
        }
        let args = given + args;
        (*vm).top = function.add(1);
        let site = crate::native::native_site(vm, function, -1, Continuation::CoroutineEnd, 0);
        Ok(Next::Call {
            function,
            args,
            site,
            flags: 0,
        })
    }
}

/// Gives a thread that has not started another argument; false when its stack has no room for more.
///
/// # Safety
/// Both are live.
pub(crate) unsafe fn give_argument(thread: *mut Thread, v: Value) -> bool {
    // SAFETY: the caller's contract.
    unsafe {
        let top = (*thread).top;
        if top + crate::vm::EXTRA_SLOTS >= (&(*thread).stack).len() {
            return false;
        }
        (&mut (*thread).stack)[top] = v;
        (*thread).top = top + 1;
        true
    }
}

/// The `own_point` slot of a thread that was suspended between two instructions of Lua code: what it
/// is resumed with is dropped.
const PAUSED: u32 = 0;

/// Suspends the running coroutine between two instructions of Lua code; its resumer gets no values.
///
/// # Errors
/// Memory.
///
/// # Safety
/// The saved pc is at an instruction that takes no open list; the running thread may yield.
pub(crate) unsafe fn pause(vm: *mut Vm) -> Result<Next> {
    // SAFETY: the caller's contract.
    unsafe {
        let thread = (*vm).thread;
        (*thread).own_point = (PAUSED, 0);
        (*vm).top = (*vm).base;
        stack::save_thread(vm);
        (*thread).status = Status::Suspended;
        forget_c_calls(thread);
        let (slot, state) = back_to_resumer(vm);
        hand_over(vm, std::ptr::null(), 0, slot, state)
    }
}

/// Makes the resumer the running thread again.
unsafe fn back_to_resumer(vm: *mut Vm) -> (u32, u32) {
    // SAFETY: a thread that was resumed has a resumer, which is live.
    unsafe {
        let thread = (*vm).thread;
        let resumer = (*thread).resumer;
        (*thread).resumer = std::ptr::null_mut();
        (*resumer).status = Status::Running;
        stack::load_thread(vm, resumer);
        (*thread).resumer_point
    }
}

/// `Action::Yield`: suspends the running thread, handing `count` values from `slot` on to its
/// resumer.
pub(crate) unsafe fn yield_(vm: *mut Vm, slot: u32, count: u32, state: u32) -> Result<Next> {
    // SAFETY: the running frame is native and has these slots.
    unsafe {
        let thread = (*vm).thread;
        if (*thread).non_yieldable > 0 || thread == (*vm).main_thread {
            return Err(if thread == (*vm).main_thread {
                (*vm).runtime_error("attempt to yield from outside a coroutine")
            } else {
                (*vm).runtime_error("attempt to yield across a C-call boundary")
            });
        }
        let first = suspend(vm, slot, state);
        let (slot, state) = back_to_resumer(vm);
        hand_over(vm, first, count as usize, slot, state)
    }
}

/// The body of the running coroutine has returned `count` values from `first` on.
pub(crate) unsafe fn finish(vm: *mut Vm, first: *mut Value, count: usize) -> Result<Next> {
    // SAFETY: the running frame is the body's.
    unsafe {
        let thread = (*vm).thread;
        pop_frame(vm);
        (*vm).base = (*thread).stack.as_mut_ptr().add(1);
        (*vm).top = (*vm).base;
        (*vm).pc = std::ptr::null();
        stack::save_thread(vm);
        (*thread).status = Status::Dead;
        let (slot, state) = back_to_resumer(vm);
        hand_over(vm, first, count, slot, state)
    }
}

/// The running coroutine dies of `error`; its frames stay for tracebacks.
pub(crate) unsafe fn die(vm: *mut Vm, error: LuaError) -> Next {
    // SAFETY: the running thread is a coroutine that was resumed.
    unsafe {
        let thread = (*vm).thread;
        let value = protect::error_value(&mut *vm, error);
        (*thread).failed = true;
        (*thread).failure = value;
        stack::save_thread(vm);
        (*thread).status = Status::Dead;
        forget_c_calls(thread);
        let (slot, state) = back_to_resumer(vm);
        if let LuaError::Uncatchable(_) = error {
            return Next::Raise(error);
        }
        protect::deliver(vm, LuaError::Runtime(value), slot, state)
    }
}

/// `Action::CloseThread`: closes the suspended or dead coroutine in `slot`.
pub(crate) unsafe fn close_thread(vm: *mut Vm, slot: u32, state: u32) -> Result<Next> {
    // SAFETY: the running frame is native; the slot holds a thread that does not run.
    unsafe {
        let target: *mut Thread = (*(*vm).base.add(slot as usize - 1)).as_pointer();
        let current = (*vm).thread;
        if (*current).c_calls >= MAX_C_CALLS {
            return Err((*vm).runtime_error("C stack overflow"));
        }
        stack::save_thread(vm);
        (*current).status = Status::Normal;
        let failed = std::mem::take(&mut (*target).failed);
        let failure = std::mem::replace(&mut (*target).failure, Value::NIL);
        (*target).status = Status::Running;
        (*target).closing = true;
        (*target).resumer = current;
        (*target).resumer_point = (slot, state);
        (*target).c_calls = (*current).c_calls + 1;
        (*target).non_yieldable = 1;
        (*target).frame_index = 0;
        (&mut (*target).frames)[0] = Frame {
            varargs: 0,
            ..stack::SENTINEL
        };
        (*target).base = 1;
        (*target).pc = std::ptr::null();
        (*target).top = (*target).stack.len().saturating_sub(crate::vm::EXTRA_SLOTS);
        stack::load_thread(vm, target);
        if failed {
            let error = LuaError::Runtime(failure);
            return close::close_for_error(vm, error, 1, 0, close::FOR_FAILED_THREAD);
        }
        close::close_thread(vm)
    }
}

/// The running thread has closed its variables; back to who closed it.
pub(crate) unsafe fn closed(vm: *mut Vm, error: Option<LuaError>) -> Next {
    // SAFETY: the running thread is being closed by its resumer.
    unsafe {
        let thread = (*vm).thread;
        let value = error.map(|error| protect::error_value(&mut *vm, error));
        (*vm).base = (*thread).stack.as_mut_ptr().add(1);
        (*vm).top = (*vm).base;
        stack::save_thread(vm);
        (*thread).status = Status::Dead;
        (*thread).closing = false;
        (*thread).non_yieldable = 0;
        let (slot, state) = back_to_resumer(vm);
        if let Some(error @ LuaError::Uncatchable(_)) = error {
            return Next::Raise(error);
        }
        match value {
            Some(value) => protect::deliver(vm, LuaError::Runtime(value), slot, state),
            None => {
                (*(*vm).frame_top).varargs = slot - 1;
                Next::Step {
                    state,
                    result: CallResult::Returned(0),
                }
            }
        }
    }
}

/// Makes a coroutine that is dead, or that has not started, one that will run `function`.
///
/// # Safety
/// Both are live; the thread has no pending variables, and is not running.
pub(crate) unsafe fn restart(thread: *mut Thread, function: Value) {
    // SAFETY: the caller's contract; a stack has room for more than two slots.
    unsafe {
        (*thread).frame_index = 0;
        (&mut (*thread).frames)[0] = stack::SENTINEL;
        (*thread).base = 1;
        (*thread).pc = std::ptr::null();
        (&mut (*thread).stack)[1] = function;
        (*thread).top = 2;
        (*thread).failed = false;
        (*thread).failure = Value::NIL;
        (*thread).status = Status::Suspended;
    }
}
