//! Limits that a program can't get around: fuel, and what becomes of a program that has reached a limit.
//!
//! Fuel is a number of instructions. One is burnt for each bytecode instruction that is begun, and more
//! by library functions that work for long ([`POLL`] at each of their polls, and one for some bytes
//! of each string that they make): they are counted where that is the same whoever executes. The dispatch loop counts
//! one instruction at a time; a trace takes at its start what all of it will need, and is not entered
//! unless there is as much; who leaves it early gives the rest back (`unspent` of a snapshot). So a
//! program stops at the same instruction, whatever was compiled.
//!
//! When the collector runs is not the same whoever executes. So finalisers burn fuel of their own,
//! of which there is as much; what they do to a program by its variables is not counted for it.
//!
//! Invariants:
//! - While [`Vm::has_fuel`](crate::vm::Vm) is false, nothing is counted, and no trace has code for it;
//!   while it is true, no trace lacks it: a change drops all of them.
//! - Fuel is never less than 0 while anything but a trace runs.
//! - An uncatchable error reaches Rust without any handler of the program having run.

use crate::error::{Limit, LuaError, Result};
use crate::vm::{MAX_STACK, Vm, pending};
use std::sync::atomic::Ordering;
use std::time::Instant;

/// What a poll of a library function burns: each follows some hundred or thousand rounds of a loop.
pub const POLL: i64 = 500;

/// Steps of a pattern's matcher that one instruction's work is taken for.
pub const MATCH_STEPS: usize = 8;

/// The bytes that one instruction's work is taken for where strings are made.
pub const BYTES: usize = 128;

/// Limits of a state, and how they are enforced.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// What finalisers have left of their own fuel; while one runs, of the program's.
    pub other_fuel: i64,
    /// Which of them `pcall` and its like may catch.
    catchable: [bool; 4],
    /// What is to be raised at the next safepoint.
    stop: Option<Limit>,
    /// Whether programs may not load binary chunks.
    pub refuses_binary: bool,
    /// Whether metatables make no object one that has a finaliser.
    pub ignores_finalizers: bool,
    /// When everything is to end.
    pub deadline: Option<Instant>,
    /// Whether the running coroutine is to pause as soon as it can (`interrupt.rs`).
    pub is_pause_due: bool,
    /// Whether a coroutine that had paused goes on: its next instruction is executed, whatever is
    /// pending, so that there is progress.
    pub goes_on: bool,
}

impl Default for Limits {
    /// No fuel is counted; memory errors and interruptions are errors like others.
    fn default() -> Limits {
        let mut limits = Limits {
            other_fuel: 0,
            catchable: [false; 4],
            stop: None,
            refuses_binary: false,
            ignores_finalizers: false,
            deadline: None,
            is_pause_due: false,
            goes_on: false,
        };
        limits.set_catchable(Limit::Memory, true);
        limits.set_catchable(Limit::Interrupt, true);
        limits
    }
}

impl Limits {
    /// Whether errors of this limit may be caught.
    pub fn is_catchable(&self, limit: Limit) -> bool {
        self.catchable[limit as usize]
    }

    /// Sets that.
    pub fn set_catchable(&mut self, limit: Limit, yes: bool) {
        self.catchable[limit as usize] = yes;
    }
}

/// Gives the state so much fuel, and its finalisers as much, or stops counting.
///
/// # Safety
/// `vm` is live, at a safepoint or in a native function's step.
pub unsafe fn set_fuel(vm: *mut Vm, fuel: Option<u64>) {
    // SAFETY: the caller's contract.
    unsafe {
        let given = fuel.map_or(0, |fuel| i64::try_from(fuel).unwrap_or(i64::MAX));
        (*vm).fuel = given;
        (*vm).limits.other_fuel = given;
        if (*vm).has_fuel != fuel.is_some() {
            (*vm).has_fuel = fuel.is_some();
            if let Some(tracer) = &(*vm).tracer {
                tracer.drop_all();
            }
        }
    }
}

/// The fewest slots to which a stack may be limited: room for any function and what a library does.
pub const LEAST_STACK: usize = 1_000;

/// Limits the slots of each thread's stack; answers the limit before. A stack that has more keeps them for
/// now, and does not grow.
///
/// # Safety
/// As for [`set_fuel`].
pub unsafe fn set_stack_limit(vm: *mut Vm, slots: usize) -> usize {
    // SAFETY: the caller's contract.
    unsafe {
        let most = slots.clamp(LEAST_STACK, MAX_STACK);
        std::mem::replace(&mut (*vm).max_stack, most)
    }
}

/// Takes the fuel of one instruction; false when there is none.
///
/// # Safety
/// `vm` is live and counts fuel.
#[inline(always)]
pub(crate) unsafe fn burn(vm: *mut Vm) -> bool {
    // SAFETY: the caller's contract.
    unsafe {
        if (*vm).fuel <= 0 {
            return false;
        }
        (*vm).fuel -= 1;
        true
    }
}

/// Takes fuel for work of a library function, if fuel is counted.
///
/// # Errors
/// There was less.
///
/// # Safety
/// `vm` is live and runs a native function's step.
#[inline]
pub(crate) unsafe fn charge(vm: *mut Vm, amount: i64) -> Result<()> {
    // SAFETY: the caller's contract.
    unsafe {
        if !(*vm).has_fuel {
            return Ok(());
        }
        (*vm).fuel -= amount;
        if (*vm).fuel >= 0 {
            return Ok(());
        }
        (*vm).fuel = 0;
        Err(error(vm, Limit::Fuel))
    }
}

/// Takes fuel for a string of so many bytes, if fuel is counted; what is missing is noticed at the next
/// instruction.
///
/// # Safety
/// `vm` is live, and no trace does this.
#[inline]
pub(crate) unsafe fn charge_bytes(vm: *mut Vm, bytes: usize) {
    // SAFETY: the caller's contract.
    unsafe {
        if (*vm).has_fuel && bytes >= BYTES {
            (*vm).fuel = ((*vm).fuel - (bytes / BYTES) as i64).max(0);
        }
    }
}

/// Takes fuel for so many steps of a pattern's matcher, if fuel is counted; what is missing is noticed at
/// the next instruction.
///
/// # Safety
/// As for [`charge_bytes`].
#[inline]
pub(crate) unsafe fn charge_steps(vm: *mut Vm, steps: usize) {
    // SAFETY: the caller's contract.
    unsafe {
        if (*vm).has_fuel && steps >= MATCH_STEPS {
            (*vm).fuel = ((*vm).fuel - (steps / MATCH_STEPS) as i64).max(0);
        }
    }
}

/// The error of a limit that was reached.
///
/// # Safety
/// `vm` is live, and its saved state up to date.
#[cold]
pub unsafe fn error(vm: *mut Vm, limit: Limit) -> LuaError {
    // SAFETY: the caller's contract.
    unsafe {
        match (*vm).limits.is_catchable(limit) {
            true if limit == Limit::Memory => LuaError::Memory,
            true => (*vm).runtime_error(limit.text()),
            false => LuaError::Uncatchable(limit),
        }
    }
}

/// An error as it is raised: memory errors may be uncatchable.
///
/// # Safety
/// `vm` is live.
pub(crate) unsafe fn as_raised(vm: *mut Vm, error: LuaError) -> LuaError {
    // SAFETY: the caller's contract.
    let is_catchable = unsafe { (*vm).limits.is_catchable(Limit::Memory) };
    match error {
        LuaError::Memory if !is_catchable => LuaError::Uncatchable(Limit::Memory),
        error => error,
    }
}

/// A finaliser is about to run, or has run: exchanges its fuel and the program's.
///
/// # Safety
/// `vm` is live, and no other finaliser runs.
pub(crate) unsafe fn swap_fuel(vm: *mut Vm) {
    // SAFETY: the caller's contract.
    unsafe { std::mem::swap(&mut (*vm).fuel, &mut (*vm).limits.other_fuel) }
}

/// A limit was reached where no error may be raised: it is at the next safepoint.
///
/// # Safety
/// `vm` is live.
pub(crate) unsafe fn stop_soon(vm: *mut Vm, limit: Limit) {
    // SAFETY: the caller's contract.
    unsafe {
        if limit == Limit::Fuel {
            (*vm).fuel = 0;
        }
        (*vm).limits.stop = Some(limit);
        (*vm).pending.fetch_or(pending::TICK, Ordering::Relaxed);
    }
}

/// The error that [`stop_soon`] has put off.
///
/// # Errors
/// That.
///
/// # Safety
/// `vm` is live.
pub(crate) unsafe fn check_stop(vm: *mut Vm) -> Result<()> {
    // SAFETY: the caller's contract.
    match unsafe { (*vm).limits.stop.take() } {
        Some(limit) => Err(LuaError::Uncatchable(limit)),
        None => Ok(()),
    }
}
