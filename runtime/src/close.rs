//! To-be-closed variables (manual §3.3.8).
//!
//! Pending variables are a per-thread list of stack indices. A `__close` handler is an ordinary
//! call whose call site re-executes what was going on: the block exit, the return, or the
//! unwinding; so handlers may yield and fail like any code.
//!
//! Invariant: an entry is removed from the list before its handler is called.

use crate::call::Next;
use crate::coroutine::Thread;
use crate::debug;
use crate::error::{LuaError, Result};
use crate::frame::{CallSite, Continuation, FRAME_C_CALL};
use crate::function::Cell;
use crate::metatable::{Event, metamethod};
use crate::protect;
use crate::stack;
use crate::switch;
use crate::value::{CELL, FALSE, NIL, Value};
use crate::vm::Vm;

/// `wanted` of a [`Continuation::CloseError`] site: for a protected call.
pub(crate) const FOR_PROTECTED: i32 = 0;
/// Likewise: for leaving `run`.
pub(crate) const FOR_ENTRY: i32 = 1;
/// Likewise: for `coroutine.close`, without an error so far.
pub(crate) const FOR_THREAD: i32 = 2;
/// Likewise: for `coroutine.close`, with an error.
pub(crate) const FOR_FAILED_THREAD: i32 = 3;

/// The value of a variable's slot, through its cell if it has one.
unsafe fn variable(slot: *const Value) -> Value {
    // SAFETY: the slot is live; a cell tag names a live cell.
    unsafe {
        let v = *slot;
        if v.tag == CELL {
            (*v.as_pointer::<Cell>()).value
        } else {
            v
        }
    }
}

/// Marks the variable in `slot` to be closed; `nil` and `false` are ignored.
///
/// # Errors
/// The value has no `__close` metamethod.
///
/// # Safety
/// `slot` is a live slot of the running frame.
pub(crate) unsafe fn mark(vm: *mut Vm, slot: *mut Value) -> Result<()> {
    // SAFETY: the caller's contract.
    unsafe {
        let v = variable(slot);
        if v.tag == NIL || v.tag == FALSE {
            return Ok(());
        }
        if metamethod(&*vm, v, Event::Close).is_nil() {
            return Err(debug::close_error(
                &mut *vm,
                slot.offset_from((*vm).base) as usize,
            ));
        }
        let thread = (*vm).thread;
        let index = slot.offset_from((*thread).stack.as_ptr()) as u32;
        (*thread)
            .to_be_closed
            .try_reserve(1)
            .map_err(|_| LuaError::Memory)?;
        (*thread).to_be_closed.push(index);
        (*vm).heap.update_thread_charge(thread)
    }
}

/// Takes the last pending variable at or above stack index `level`.
unsafe fn take_pending(thread: *mut Thread, level: usize) -> Option<u32> {
    // SAFETY: the thread is live.
    unsafe {
        let list = &mut (*thread).to_be_closed;
        if (*list.last()? as usize) < level {
            return None;
        }
        list.pop()
    }
}

/// Closes all pending variables of the main coroutine, whatever runs, because the process is about
/// to end. An error is what the next handler gets; the last one is forgotten.
///
/// # Safety
/// The saved state is up to date, and no Lua function goes on afterwards.
pub(crate) unsafe fn close_main(vm: *mut Vm) {
    // SAFETY: the caller's contract; the values are handed over as arguments at once.
    unsafe {
        let thread = (*vm).main_thread;
        let mut error = Value::NIL;
        while let Some(index) = take_pending(thread, 0) {
            let v = variable((*thread).stack.as_ptr().add(index as usize));
            let handler = metamethod(&*vm, v, Event::Close);
            let handler = if handler.is_nil() { v } else { handler };
            if let Err(raised) = crate::from_rust::call_from_rust(vm, handler, &[v, error], 0) {
                error = protect::error_value(&mut *vm, raised);
            }
        }
    }
}

/// Sets up the call of a `__close` handler at slot index `place` above base: handler, value, error.
unsafe fn set_up(vm: *mut Vm, place: usize, v: Value, error: Value) -> Result<*mut Value> {
    // SAFETY: room is ensured.
    unsafe {
        stack::ensure(vm, place + 4)?;
        // If the metamethod went away after the declaration, calling nil names the error.
        let handler = metamethod(&*vm, v, Event::Close);
        let function = (*vm).base.add(place);
        *function = handler;
        *function.add(1) = v;
        *function.add(2) = error;
        Ok(function)
    }
}

/// `Close A`: closes the pending variables from `slot` on, then goes on with the next instruction.
pub(crate) unsafe fn close_block(vm: *mut Vm, slot: *mut Value) -> Result<Next> {
    // SAFETY: the running function is a Lua function executing `Close`.
    unsafe {
        let thread = (*vm).thread;
        let level = slot.offset_from((*thread).stack.as_ptr()) as usize;
        let Some(index) = take_pending(thread, level) else {
            return Ok(Next::Done);
        };
        let v = variable((*thread).stack.as_ptr().add(index as usize));
        let place = stack::running_proto(vm).map_or(0, |p| (*p).max_stack as usize);
        let function = set_up(vm, place, v, Value::NIL)?;
        let site = crate::interp::close_site(vm, Continuation::Close, place);
        Ok(Next::Call {
            function,
            args: 2,
            site,
            flags: FRAME_C_CALL,
        })
    }
}

/// `ReturnClose`: closes the frame's pending variables, then returns `count` values from `first`.
pub(crate) unsafe fn before_return(vm: *mut Vm, first: *mut Value, count: usize) -> Result<Next> {
    // SAFETY: the running function is a Lua function executing `ReturnClose`.
    unsafe {
        let thread = (*vm).thread;
        let level = (*vm).base.offset_from((*thread).stack.as_ptr()) as usize;
        let Some(index) = take_pending(thread, level) else {
            return Ok(Next::Return { first, count });
        };
        let v = variable((*thread).stack.as_ptr().add(index as usize));
        // The handler stands right above the results: its place tells how many there are.
        let place = first.offset_from((*vm).base) as usize + count;
        let function = set_up(vm, place, v, Value::NIL)?;
        let site = crate::interp::close_site(vm, Continuation::CloseReturn, place);
        Ok(Next::Call {
            function,
            args: 2,
            site,
            flags: FRAME_C_CALL,
        })
    }
}

/// A handler called by `Close` or `ReturnClose` has returned; `place` is where it stood.
pub(crate) unsafe fn after_handler(
    vm: *mut Vm,
    place: *mut Value,
    site: *const CallSite,
) -> Result<Next> {
    // SAFETY: the state is that before the instruction of the site.
    unsafe {
        (*vm).pc = (*site).instruction.add(1);
        let a = crate::interp::operand_a(vm);
        let next = if (*site).continuation == Continuation::Close {
            close_block(vm, a)?
        } else {
            before_return(vm, a, place.offset_from(a) as usize)?
        };
        Ok(match next {
            Next::Done => Next::Continue,
            next => next,
        })
    }
}

/// Closes pending variables from the callee's slot on while `error` unwinds, then delivers it.
/// The running frame is the catching one (or the one below `run`); `slot` is where the failed
/// callee stood.
pub(crate) unsafe fn close_for_error(
    vm: *mut Vm,
    error: LuaError,
    slot: u32,
    state: u32,
    kind: i32,
) -> Result<Next> {
    // SAFETY: the running frame is native (or below `run`); slots from `slot` on are free.
    unsafe {
        let thread = (*vm).thread;
        let base = (*vm).base.offset_from((*thread).stack.as_ptr()) as usize;
        let level = if kind == FOR_FAILED_THREAD {
            0
        } else {
            base + slot as usize - 1
        };
        let pending = match error {
            // Nothing of the program runs any more.
            LuaError::Uncatchable(_) => {
                while take_pending(thread, level).is_some() {}
                None
            }
            _ => take_pending(thread, level),
        };
        let Some(index) = pending else {
            return Ok(match kind {
                FOR_PROTECTED => protect::deliver(vm, error, slot, state),
                FOR_ENTRY => protect::leave_with(vm, error),
                _ => switch::closed(vm, Some(error)),
            });
        };
        let value = protect::error_value(&mut *vm, error);
        let v = variable((*thread).stack.as_ptr().add(index as usize));
        call_error_handler(vm, v, value, index, slot, state, kind)
    }
}

/// Calls the handler of `v`, the variable at stack index `index`, for error object `value`. Both
/// wait above that variable, because variables below it are still to be closed; `slot`, where the
/// error will be delivered, is kept in the call site.
unsafe fn call_error_handler(
    vm: *mut Vm,
    v: Value,
    value: Value,
    index: u32,
    slot: u32,
    state: u32,
    kind: i32,
) -> Result<Next> {
    // SAFETY: see `close_for_error`.
    unsafe {
        let base = (*vm).base.offset_from((*(*vm).thread).stack.as_ptr()) as usize;
        let waiting = (index as usize + 1 - base).max(slot as usize - 1);
        let function = set_up(vm, waiting + 1, v, value)?;
        *(*vm).base.add(waiting) = value;
        let continuation = Continuation::CloseError;
        let site = crate::native::close_error_site(vm, function, kind, continuation, slot, state);
        Ok(Next::Call {
            function,
            args: 2,
            site,
            flags: FRAME_C_CALL,
        })
    }
}

/// A handler called during unwinding has returned.
pub(crate) unsafe fn after_error_handler(
    vm: *mut Vm,
    place: *mut Value,
    site: *const CallSite,
) -> Result<Next> {
    // SAFETY: the error waits below the handler's place.
    unsafe {
        let value = *place.sub(1);
        let slot = (*site).destination;
        let state = (*site).state;
        let kind = (*site).wanted;
        if kind == FOR_THREAD {
            return close_thread(vm);
        }
        close_for_error(vm, LuaError::Handled(value), slot, state, kind)
    }
}

/// Closes all pending variables of the running thread, which is being closed without an error.
pub(crate) unsafe fn close_thread(vm: *mut Vm) -> Result<Next> {
    // SAFETY: the running thread's frames have been dropped down to the sentinel.
    unsafe {
        let thread = (*vm).thread;
        let Some(index) = take_pending(thread, 0) else {
            return Ok(switch::closed(vm, None));
        };
        let v = variable((*thread).stack.as_ptr().add(index as usize));
        call_error_handler(vm, v, Value::NIL, index, 1, 0, FOR_THREAD)
    }
}
