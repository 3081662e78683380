//! Hot places, and the hook through which a tracing compiler takes over there.
//!
//! The word after a back-edge is its *location*: a counter in the low half, and in the high half a
//! number that belongs to the tracing compiler (0: it has no trace here). The interpreter counts;
//! at [`Vm::hot_limit`](crate::vm::Vm) it asks the hook.
//!
//! Invariants: a location is written by the interpreter (counter) and the hook (both halves) only,
//! while its proto lives. Without a hook nothing is ever hot but once in 2^31 rounds, which is
//! harmless.

use crate::gc::GcHeader;
use crate::interp::portable;
use crate::vm::Vm;

/// What the interpreter asks of a tracing compiler.
pub trait TraceHook {
    /// The back-edge at the saved state is hot: does it, and whatever more it likes, in place of
    /// the interpreter. Answers 0 to go on from the saved state, or an exit code of
    /// [`interp::run`](crate::interp).
    ///
    /// # Safety
    /// The saved state is that of a back-edge instruction of a thread without a hook.
    unsafe fn hot(&self, vm: *mut Vm) -> u64;
    /// The collector is about to free shapes and objects: forget what names a dead one.
    fn forget_dead(
        &self,
        is_live_shape: &dyn Fn(u32) -> bool,
        is_live_object: &dyn Fn(*const GcHeader) -> bool,
    );
    /// Locals of running functions were changed from outside (`debug.setlocal`), or something else
    /// that traces rely on: running traces must be left as soon as control comes back to them.
    fn invalidate(&self);
    /// A report of what was traced, for people (`json` false) or programs.
    fn statistics(&self, json: bool) -> String;
}

/// [`Vm::hot_limit`](crate::vm::Vm) without a tracing compiler.
pub const NEVER: i32 = i32::MAX;

/// Counts a back-edge; `location` is its location word.
///
/// # Safety
/// `location` is the word after a back-edge instruction of a live proto.
#[inline(always)]
pub unsafe fn count(location: *const u64) {
    // SAFETY: the caller's contract; the low half comes first (little-endian).
    unsafe {
        let counter = location as *mut i32;
        *counter = (*counter).wrapping_add(1);
    }
}

/// Whether the location has reached the limit.
///
/// # Safety
/// As [`count`]; `vm` is live.
#[inline(always)]
pub unsafe fn is_hot(vm: *const Vm, location: *const u64) -> bool {
    // SAFETY: the caller's contract.
    unsafe { *(location as *const i32) >= (*vm).hot_limit }
}

/// Sets a location's counter: negative to keep it cold for as many rounds longer.
///
/// # Safety
/// As [`count`].
pub unsafe fn set_counter(location: *const u64, counter: i32) {
    // SAFETY: the caller's contract.
    unsafe { *(location as *mut i32) = counter }
}

/// The number that the tracing compiler keeps at a location.
///
/// # Safety
/// As [`count`].
pub unsafe fn trace_at(location: *const u64) -> u32 {
    // SAFETY: the caller's contract.
    unsafe { *(location as *const u32).add(1) }
}

/// Sets that number.
///
/// # Safety
/// As [`count`].
pub unsafe fn set_trace_at(location: *const u64, trace: u32) {
    // SAFETY: the caller's contract.
    unsafe { *(location as *mut u32).add(1) = trace }
}

/// Does the hot back-edge at the saved state, by the hook if there is one.
///
/// # Safety
/// As [`TraceHook::hot`].
#[cold]
pub(crate) unsafe fn back_edge(vm: *mut Vm) -> u64 {
    // SAFETY: the caller's contract.
    unsafe {
        match (*vm).tracer.clone() {
            Some(tracer) => tracer.hot(vm),
            None => portable::step(vm),
        }
    }
}
