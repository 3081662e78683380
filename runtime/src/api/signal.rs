//! Interruption by the keyboard (Ctrl-C).
//!
//! Lua code sees it at once. A computation of a library function, which the reference
//! implementation never cuts short, goes on for [`GRACE`]: what would have ended by then ends, and
//! the next Lua instruction raises the error; what would not can be left.

use super::Lua;
use crate::sys;
use crate::vm::pending;
use std::io;
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

/// While it lives, Ctrl-C interrupts a state.
pub struct SignalInterrupt {
    _guard: sys::InterruptGuard,
    _state: Lua,
}

impl std::fmt::Debug for SignalInterrupt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SignalInterrupt")
    }
}

impl Drop for SignalInterrupt {
    fn drop(&mut self) {
        TARGET.store(std::ptr::null_mut(), Ordering::Release);
    }
}

/// Runs inside a signal handler: touches atomics only.
fn on_signal() {
    let target = TARGET.load(Ordering::Acquire);
    if !target.is_null() {
        PRESSED.store(true, Ordering::Relaxed);
        // SAFETY: the guard that set the target keeps its state alive.
        unsafe { (*target).fetch_or(pending::INTERRUPT, Ordering::Relaxed) };
    }
}

impl Lua {
    /// Lets the next Ctrl-C interrupt this state, until the guard is dropped. One state at a time.
    ///
    /// # Errors
    /// The system refuses the handler, or has none.
    pub fn interrupt_on_signal(&self) -> io::Result<SignalInterrupt> {
        // SAFETY: the machine lives as long as the state, which the guard keeps.
        let word = unsafe { &raw const (*self.state.vm()).pending };
        TARGET.store(word.cast_mut(), Ordering::Release);
        let guard = sys::on_interrupt(on_signal)?;
        Ok(SignalInterrupt {
            _guard: guard,
            _state: self.clone(),
        })
    }
}
