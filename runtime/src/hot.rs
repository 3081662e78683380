//! Hot places, and the hook through which a tracing compiler takes over there.
//!
//! The word after a back-edge is its *location*: a counter in the low half, and in the high half a
//! number that belongs to the tracing compiler (0: it has no trace here). The interpreter counts;
//! at [`Vm::hot_limit`](crate::vm::Vm) it asks the hook.
//!
//! A function's entry has a location too, in its proto. Plain calls count it; one that finds it hot
//! goes on at [`at_hot_entry`], which is no instruction of any proto but brings the interpreter to
//! the hook, with the state of the function's start.
//!
//! Invariants: a location is written by the interpreter (counter) and the hook (both halves) only,
//! while its proto lives. Without a hook nothing is ever hot but once in 2^31 rounds, which is
//! harmless.

use crate::function::{LuaClosure, Proto};
use crate::gc::GcHeader;
use crate::interp::portable;
use crate::value::Value;
use crate::vm::Vm;
use perilune_frontend::bytecode::opcode::Opcode;

/// What the interpreter asks of a tracing compiler.
pub trait TraceHook {
    /// The back-edge at the saved state is hot: does it, and whatever more it likes, in place of
    /// the interpreter. Answers 0 to go on from the saved state, or an exit code of
    /// [`interp::run`](crate::interp).
    ///
    /// # Safety
    /// The saved state is that of a back-edge instruction of a thread without a hook.
    unsafe fn hot(&self, vm: *mut Vm) -> u64;
    /// The function whose start is the saved state is hot: as `hot`.
    ///
    /// # Safety
    /// The saved state is that of the first instruction of a function that was called without
    /// adjustment, in a thread without a hook.
    unsafe fn hot_entry(&self, vm: *mut Vm) -> u64;
    /// Visits the ids of the shapes that traces name.
    fn visit_shapes(&self, visit: &mut dyn FnMut(u32));
    /// The collector is about to free shapes and objects: forget what names a dead one.
    fn forget_dead(
        &self,
        is_live_shape: &dyn Fn(u32) -> bool,
        is_live_object: &dyn Fn(*const GcHeader) -> bool,
    );
    /// Locals of running functions were changed from outside (`debug.setlocal`), or something else
    /// that traces rely on: running traces must be left as soon as control comes back to them.
    fn invalidate(&self);
    /// Drops all traces: those that are to come shall be others. Running ones are left after their step.
    fn drop_all(&self);
    /// Bytes that traces take in all.
    fn compiled_bytes(&self) -> usize;
    /// Memory is short: traces are dropped, as far as they do not run.
    fn relieve(&self);
    /// A report of what was traced, for people (`json` false) or programs.
    fn statistics(&self, json: bool) -> String;
}

/// [`Vm::hot_limit`](crate::vm::Vm) without a tracing compiler.
pub const NEVER: i32 = i32::MAX;

/// The location of a proto's entry.
///
/// # Safety
/// `proto` is live.
#[inline(always)]
pub unsafe fn entry_location(proto: *const Proto) -> *const u64 {
    // SAFETY: the caller's contract.
    unsafe { &raw const (*proto).entry_location }
}

/// The opcode byte at [`at_hot_entry`].
pub(crate) const HOT_ENTRY: u8 = 0xff;
const _: () = assert!(Opcode::ALL.len() < HOT_ENTRY as usize);

static HOT_ENTRY_WORD: u64 = HOT_ENTRY as u64;

/// Where a call goes on whose callee is hot.
#[inline(always)]
pub fn at_hot_entry() -> *const u64 {
    &raw const HOT_ENTRY_WORD
}

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
            None => portable::single_step(vm),
        }
    }
}

/// Does the hot function whose start is the saved state, by the hook if there is one.
///
/// # Safety
/// As [`TraceHook::hot_entry`].
#[cold]
pub(crate) unsafe fn entry(vm: *mut Vm) -> u64 {
    // SAFETY: the caller's contract.
    unsafe {
        match (*vm).tracer.clone() {
            Some(tracer) => tracer.hot_entry(vm),
            None => portable::single_step(vm),
        }
    }
}

/// The start of the function that runs at `base`.
///
/// # Safety
/// A Lua function's closure stands at `base - 1`.
pub(crate) unsafe fn start_of(base: *const Value) -> *const u64 {
    // SAFETY: the caller's contract.
    unsafe {
        let closure: *mut LuaClosure = (*base.sub(1)).as_pointer();
        (*(*closure).proto).entry
    }
}
