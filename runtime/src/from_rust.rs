//! Calls that Rust makes and waits for: functions of the embedder, message handlers, finalisers and
//! debug hooks. Only here `run` is entered anew, so these are the calls that may not yield.
//!
//! Invariant: whoever calls finds the running frame, base, pc and constants as they were, also
//! after an error.

use crate::call::{Next, call, drive};
use crate::error::{LuaError, Result};
use crate::frame::*;
use crate::interp::{EXIT_DONE, EXIT_SWITCH};
use crate::native::native_site;
use crate::stack;
use crate::value::Value;
use crate::vm::Vm;

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
            return Err((*vm).runtime_error("Lua can't be called from here"));
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
        let c_calls = (*(*vm).thread).c_calls;
        let frame_index = frame_index(vm);
        let runs_with_fuel = (*vm).runs_with_fuel;
        let mut code = match call(vm, place, args.len(), site, flags) {
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
        (*vm).pc = saved.0;
        (*vm).constants = saved.1;
        let result_top = (*vm).top;
        (*vm).top = (*(*vm).thread).stack.as_mut_ptr().offset(saved.2);
        if code == EXIT_DONE {
            let first = (*vm).base.add(used);
            return Ok((first, result_top.offset_from(first) as usize));
        }
        Err((*vm).error.take().unwrap_or(LuaError::Memory))
    }
}
