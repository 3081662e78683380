//! Interruption by the keyboard (Ctrl-C).

use super::Lua;
use crate::sys;
use crate::vm::pending;
use std::io;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

/// The word of the state that Ctrl-C interrupts; null when there is none.
static TARGET: AtomicPtr<AtomicU32> = AtomicPtr::new(std::ptr::null_mut());

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
