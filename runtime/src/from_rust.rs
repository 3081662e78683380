//! Calls that Rust makes and waits for: functions of the embedder, message handlers, finalisers and
//! debug hooks. Only here `run` is entered anew, so these are the calls that may not yield.
//!
//! Invariant: whoever calls finds the running frame, base, pc and constants as they were, also
//! after an error.

use crate::call::{Next, call, drive};
use crate::error::{LuaError, Result};
use crate::frame::*;
use crate::function::LuaClosure;
use crate::interp::{EXIT_DONE, EXIT_SWITCH};
use crate::native::native_site;
use crate::stack;
use crate::value::{LUA_CLOSURE, Value};
use crate::vm::{MAX_C_CALLS, Vm};

/// Calls the function in slot `function` (from 1) of the running native frame, with the `args` slots
/// above it as arguments, and runs until it returns. The results are there then instead, the last slots
/// in use; answers how many. After an error, which is left in [`Vm::error`], the frame has the slots below in use.
///
/// # Safety
/// The running frame is native (that of a native function, or a thread's first); it has that slot, and
/// the arguments stand above.
#[inline(always)]
pub unsafe fn call_slots(vm: *mut Vm, function: usize, args: usize) -> Option<usize> {
    // SAFETY: the caller's contract.
    unsafe {
        let place = (*vm).base.add(function - 1);
        let constants = (*vm).constants;
        let site = slot_site(vm, place, function);
        let is_done = if enter_plainly(vm, place, args, site) {
            crate::interp::run_plainly(vm) == EXIT_DONE
        } else {
            enter_and_finish(vm, place, args, site)
        };
        (*vm).pc = std::ptr::null();
        (*vm).constants = constants;
        if !is_done {
            (*(*vm).frame_top).varargs = function as u32 - 1;
            stack::shrink_after_error(vm);
            return None;
        }
        let results = (*vm).top.offset_from((*vm).base) as usize;
        (*(*vm).frame_top).varargs = results as u32;
        Some(results + 1 - function)
    }
}

/// The error with which [`call_slots`] has failed.
///
/// # Safety
/// `vm` is live.
#[cold]
pub unsafe fn take_error(vm: *mut Vm) -> LuaError {
    // SAFETY: the caller's contract.
    unsafe { (*vm).error.take().unwrap_or(LuaError::Memory) }
}

/// Calls any value, and runs until it returns; whether it has. Otherwise the error is in the machine.
#[cold]
#[inline(never)]
unsafe fn enter_and_finish(
    vm: *mut Vm,
    place: *mut Value,
    args: usize,
    site: *const CallSite,
) -> bool {
    // SAFETY: the caller's contract.
    unsafe {
        // What is called may need a larger stack, and the arguments must be found in it then.
        let end = place.offset_from((*vm).base) as usize + 1 + args;
        (*(*vm).frame_top).varargs = end as u32;
        let flags = FRAME_C_CALL | FRAME_NON_YIELDABLE;
        if (*vm).is_busy {
            (*vm).error = Some(busy(vm));
            return false;
        }
        match enter_and_run(vm, place, args, site, flags) {
            Ok(()) => true,
            Err(error) => {
                (*vm).error = Some(error);
                false
            }
        }
    }
}

/// The call site of a call from a slot of the running native frame.
#[inline(always)]
unsafe fn slot_site(vm: *mut Vm, place: *mut Value, function: usize) -> *const CallSite {
    // SAFETY: the caller's contract.
    unsafe {
        let known = (&(*vm).entry_sites).get(function).copied();
        match known {
            Some(site) if !site.is_null() => site,
            _ => {
                let site = native_site(vm, place, -1, Continuation::Entry, 0);
                if let Some(known) = (&mut (*vm).entry_sites).get_mut(function) {
                    *known = site;
                }
                site
            }
        }
    }
}

/// Enters a Lua function without variable arguments, if it is one, nothing is pending or counted, and
/// there is room; otherwise changes nothing.
#[inline(always)]
unsafe fn enter_plainly(
    vm: *mut Vm,
    place: *mut Value,
    args: usize,
    site: *const CallSite,
) -> bool {
    // SAFETY: the caller's contract; room is checked before any write.
    unsafe {
        if (*place).tag != LUA_CLOSURE || !crate::interp::runs_plainly(vm) {
            return false;
        }
        let proto = (*(*place).as_pointer::<LuaClosure>()).proto;
        let thread = (*vm).thread;
        let frame = (*vm).frame_top.add(1);
        let registers = args.max((*proto).max_stack as usize);
        if (*proto).is_vararg
            || frame > (*vm).frame_limit
            || (*thread).c_calls + 1 >= MAX_C_CALLS
            || place.wrapping_add(1 + registers) > (*vm).stack_limit
        {
            return false;
        }
        let mut missing = args;
        while missing < (*proto).num_params as usize {
            *place.add(1 + missing) = Value::NIL;
            missing += 1;
        }
        (*thread).c_calls += 1;
        (*thread).non_yieldable += 1;
        *frame = Frame {
            site,
            varargs: 0,
            flags: FRAME_C_CALL | FRAME_NON_YIELDABLE,
        };
        (*vm).frame_top = frame;
        (*vm).base = place.add(1);
        (*vm).pc = (*proto).entry;
        (*vm).constants = (*proto).constants_start;
        true
    }
}

/// Calls any value, and runs until it returns. Part of its callers, since message handlers nest, and
/// their native stack is short.
#[inline(always)]
unsafe fn enter_and_run(
    vm: *mut Vm,
    place: *mut Value,
    args: usize,
    site: *const CallSite,
    flags: u32,
) -> Result<()> {
    // SAFETY: the caller's contract.
    unsafe {
        let c_calls = (*(*vm).thread).c_calls;
        let frame_index = frame_index(vm);
        let runs_with_fuel = (*vm).runs_with_fuel;
        (*vm).run_depth += 1;
        let mut code = match call(vm, place, args, site, flags) {
            Ok(next) => drive(vm, next),
            Err(error) if self::frame_index(vm) == frame_index => {
                // Without a frame there is no boundary that would catch the error.
                (*vm).run_depth -= 1;
                (*(*vm).thread).c_calls = c_calls;
                return Err(error);
            }
            Err(error) => drive(vm, Next::Raise(error)),
        };
        while code == 0 || code == EXIT_SWITCH {
            code = crate::interp::run(vm);
        }
        (*vm).runs_with_fuel = runs_with_fuel;
        (*vm).run_depth -= 1;
        if code == EXIT_DONE {
            return Ok(());
        }
        Err(take_error(vm))
    }
}

/// What a call is refused with while a library function is interrupted.
#[cold]
unsafe fn busy(vm: *mut Vm) -> LuaError {
    // SAFETY: the caller passes a live machine.
    unsafe { (*vm).runtime_error("Lua can't be called from here") }
}

/// Index of the running frame.
unsafe fn frame_index(vm: *mut Vm) -> isize {
    // SAFETY: the running frame is one of the running thread's.
    unsafe { (*vm).frame_top.offset_from((*(*vm).thread).frames.as_ptr()) }
}

/// Calls `function` from Rust and runs until it returns; the results are on the stack, from the
/// answered pointer on.
///
/// # Errors
/// Whatever the callee raises.
///
/// # Safety
/// The saved state is up to date. The values handed over are live.
pub unsafe fn call_from_rust(
    vm: *mut Vm,
    function: Value,
    args: &[Value],
    flags: u32,
) -> Result<(*mut Value, usize)> {
    // SAFETY: the caller's contract.
    unsafe {
        if (*vm).is_busy && flags & FRAME_HOOK == 0 {
            return Err(busy(vm));
        }
        let saved = (
            (*vm).pc,
            (*vm).constants,
            (*vm).top.offset_from((*(*vm).thread).stack.as_ptr()),
        );
        let used = match stack::running_proto(vm) {
            // Above the registers, and above values up to `top` that are about to be used.
            Some(proto) => {
                let registers = (*proto).max_stack as usize;
                let top = (*vm).top.offset_from((*vm).base);
                registers.max(if flags & FRAME_HOOK != 0 && top > 0 {
                    top as usize
                } else {
                    0
                })
            }
            None => (*(*vm).frame_top).varargs as usize,
        };
        stack::ensure(vm, used + args.len() + 1)?;
        let place = (*vm).base.add(used);
        *place = function;
        for (n, arg) in args.iter().enumerate() {
            *place.add(1 + n) = *arg;
        }
        let in_lua = stack::running_proto(vm).is_some();
        let site = if in_lua {
            crate::interp::entry_site(vm, place)
        } else {
            native_site(vm, place, -1, Continuation::Entry, 0)
        };
        let flags = flags | FRAME_C_CALL | FRAME_NON_YIELDABLE;
        (*vm).run_depth += 1;
        let runs_with_fuel = (*vm).runs_with_fuel;
        let outcome = enter_and_run(vm, place, args.len(), site, flags);
        (*vm).runs_with_fuel = runs_with_fuel;
        (*vm).run_depth -= 1;
        (*vm).pc = saved.0;
        (*vm).constants = saved.1;
        let result_top = (*vm).top;
        (*vm).top = (*(*vm).thread).stack.as_mut_ptr().offset(saved.2);
        outcome?;
        let first = (*vm).base.add(used);
        Ok((first, result_top.offset_from(first) as usize))
    }
}
