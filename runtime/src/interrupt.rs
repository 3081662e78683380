//! Events from outside, served at safepoints: interruptions that somebody asks for, and what the clock
//! brings.
//!
//! [`pending::INTERRUPT`] is a request: without an interrupt function it is an error. [`pending::TICK`]
//! is set by the clock (`watch.rs`) and when something was put off: it only makes the running code look
//! at the deadline, and ask the interrupt function if there is one.
//!
//! Invariants:
//! - While the interrupt function runs where values are held that the collector does not see (in a
//!   library function, or in the middle of an instruction), [`Vm::is_busy`] is set: it can't call Lua,
//!   and nothing is collected.
//! - A coroutine pauses only between two instructions of Lua code, none of which takes an open list.

use crate::call::Next;
use crate::error::{Limit, LuaError, Result};
use crate::frame::FRAME_HOOK;
use crate::from_rust::call_from_rust;
use crate::hook;
use crate::limit;
use crate::switch;
use crate::vm::{Vm, pending};
use std::sync::atomic::Ordering;
use std::time::Instant;

/// Serves pending events where the running code can't be suspended: it pauses later.
///
/// # Errors
/// What an interruption raises.
///
/// # Safety
/// `vm` is live, and its saved state up to date.
#[inline]
pub(crate) unsafe fn check(vm: *mut Vm) -> Result<()> {
    // SAFETY: the caller's contract.
    unsafe {
        if (*vm).pending.load(Ordering::Relaxed) & pending::EVENTS == 0 {
            return Ok(());
        }
        if serve(vm, true)? {
            put_off(vm);
        }
        Ok(())
    }
}

/// Serves pending events before the current instruction does anything; answers how to go on if that
/// is not with the instruction. `is_open` says that it takes a list of values up to `top`.
///
/// # Errors
/// What an interruption raises.
///
/// # Safety
/// The saved state is that of an instruction being executed, which has done nothing.
#[inline]
pub(crate) unsafe fn check_before(vm: *mut Vm, is_open: bool) -> Result<Option<Next>> {
    // SAFETY: the caller's contract.
    unsafe {
        if (*vm).pending.load(Ordering::Relaxed) & pending::EVENTS == 0
            || std::mem::take(&mut (*vm).limits.goes_on)
            || !serve(vm, is_open)?
        {
            return Ok(None);
        }
        if is_open {
            put_off(vm);
            return Ok(None);
        }
        pause(vm)
    }
}

/// Suspends the running coroutine before the current instruction, if it may yield.
unsafe fn pause(vm: *mut Vm) -> Result<Option<Next>> {
    // SAFETY: the caller's contract.
    unsafe {
        let pc = (*vm).pc;
        (*vm).pc = pc.sub(1);
        let next = pause_between(vm)?;
        if next.is_none() {
            (*vm).pc = pc;
        }
        Ok(next)
    }
}

/// Suspends the running coroutine at the next instruction, if it may yield.
///
/// # Errors
/// Memory.
///
/// # Safety
/// The saved state is that between two instructions, the next of which takes no open list, and has been
/// paid for.
pub(crate) unsafe fn pause_between(vm: *mut Vm) -> Result<Option<Next>> {
    // SAFETY: the caller's contract.
    unsafe {
        let thread = (*vm).thread;
        if (*thread).non_yieldable > 0 || thread == (*vm).main_thread {
            return Ok(None);
        }
        if (*vm).has_fuel {
            // The instruction will be begun anew.
            (*vm).fuel += 1;
        }
        switch::pause(vm).map(Some)
    }
}

/// The running code is to pause where it can.
unsafe fn put_off(vm: *mut Vm) {
    // SAFETY: the caller passes a live machine.
    unsafe {
        let thread = (*vm).thread;
        if (*thread).non_yieldable == 0 && thread != (*vm).main_thread {
            (*vm).limits.is_pause_due = true;
            (*vm).pending.fetch_or(pending::TICK, Ordering::Relaxed);
        }
    }
}

/// Serves pending events; whether the running code is to pause.
#[cold]
unsafe fn serve(vm: *mut Vm, is_busy: bool) -> Result<bool> {
    // SAFETY: the caller passes a live machine, with its saved state up to date.
    unsafe {
        let bits = (*vm).pending.fetch_and(!pending::EVENTS, Ordering::Relaxed);
        limit::check_stop(vm)?;
        if (*vm).limits.deadline.is_some_and(|at| at <= Instant::now()) {
            // It stays passed, also for who catches the error.
            (*vm).pending.fetch_or(pending::TICK, Ordering::Relaxed);
            return Err(limit::error(vm, Limit::Deadline));
        }
        let is_request = bits & pending::INTERRUPT != 0;
        if is_request {
            crate::signal::served();
        }
        let is_due = std::mem::take(&mut (*vm).limits.is_pause_due);
        let Some(function) = (*vm).interrupt.filter(|_| !(*vm).is_busy) else {
            return if is_request {
                Err(interrupted(vm))
            } else {
                Ok(is_due)
            };
        };
        let was_busy = (*vm).is_busy;
        let stopped = is_busy.then(|| (*vm).heap.set_internal_stop(true));
        let hooks = hook::suspend(vm);
        (*vm).is_busy = is_busy;
        let answer = call_from_rust(vm, function, &[], FRAME_HOOK);
        (*vm).is_busy = was_busy;
        hook::resume(vm, hooks);
        if let Some(stopped) = stopped {
            (*vm).heap.set_internal_stop(stopped);
        }
        match answer {
            Ok((first, count)) => Ok(is_due || count > 0 && (*first).is_truthy()),
            Err(_) if !(*vm).limits.is_catchable(Limit::Interrupt) => {
                Err(LuaError::Uncatchable(Limit::Interrupt))
            }
            Err(error) => Err(error),
        }
    }
}

/// The error of an interruption without an interrupt function.
unsafe fn interrupted(vm: *mut Vm) -> LuaError {
    // SAFETY: the caller passes a live machine with its saved state up to date.
    unsafe {
        if !(*vm).limits.is_catchable(Limit::Interrupt) {
            return LuaError::Uncatchable(Limit::Interrupt);
        }
        // The reference implementation raises this in a hook, from where level 1 is the caller of
        // the running function.
        let mut message = crate::stack::position(vm, 1);
        message.extend_from_slice(Limit::Interrupt.text().as_bytes());
        (*vm).error_string(&message)
    }
}
