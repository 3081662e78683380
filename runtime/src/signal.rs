//! Interruption by the keyboard (Ctrl-C): which state it interrupts, and when that takes effect.
//!
//! Lua code sees it at once. A computation of a library function, which the reference
//! implementation never cuts short, goes on for [`GRACE`]: what would have ended by then ends, and
//! the next Lua instruction raises the error; what would not can be left.

use crate::vm::pending;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The word of the state that Ctrl-C interrupts; null when there is none.
static TARGET: AtomicPtr<AtomicU32> = AtomicPtr::new(std::ptr::null_mut());

/// Ctrl-C was pressed and the error has not been raised.
static PRESSED: AtomicBool = AtomicBool::new(false);

/// When a computation first saw that.
static SEEN: Mutex<Option<Instant>> = Mutex::new(None);

/// How long computations go on.
const GRACE: Duration = Duration::from_millis(100);

/// Whether what interrupts is a Ctrl-C so new that computations go on.
pub(crate) fn is_new() -> bool {
    if !PRESSED.load(Ordering::Relaxed) {
        return false;
    }
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    seen.get_or_insert_with(Instant::now).elapsed() < GRACE
}

/// An interruption has been served.
pub(crate) fn served() {
    if PRESSED.swap(false, Ordering::Relaxed) {
        *SEEN.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Lets Ctrl-C interrupt the state that has this word, or none when it is null.
///
/// # Safety
/// The word lives until another one is set.
pub unsafe fn set_target(word: *mut AtomicU32) {
    TARGET.store(word, Ordering::Release);
}

/// What a signal handler does: it touches atomics only.
pub fn on_signal() {
    let target = TARGET.load(Ordering::Acquire);
    if !target.is_null() {
        PRESSED.store(true, Ordering::Relaxed);
        // SAFETY: the contract of `set_target`.
        unsafe { (*target).fetch_or(pending::INTERRUPT, Ordering::Relaxed) };
    }
}
