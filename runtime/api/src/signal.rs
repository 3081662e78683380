//! Interruption by the keyboard (Ctrl-C), while a guard lives.

use crate::Lua;
use perilune_runtime::{signal, sys};
use std::io;

/// While it lives, Ctrl-C interrupts a state.
///
/// ```no_run
/// use perilune::{Lua, SignalInterrupt};
/// let lua = Lua::new();
/// let guard: SignalInterrupt = lua.interrupt_on_signal().expect("a system with signals");
/// assert!(lua.load("while true do end").exec().is_err()); // when Ctrl-C is pressed
/// drop(guard); // Ctrl-C ends the process again
/// ```
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
        // SAFETY: no word.
        unsafe { signal::set_target(std::ptr::null_mut()) };
    }
}

impl Lua {
    /// Lets the next Ctrl-C interrupt this state, until the guard is dropped. One state at a time.
    ///
    /// # Errors
    /// The system refuses the handler, or has none.
    pub fn interrupt_on_signal(&self) -> io::Result<SignalInterrupt> {
        let entered = self.enter();
        // SAFETY: the machine lives as long as the state, which the guard keeps.
        unsafe { signal::set_target((&raw const (*entered.vm()).pending).cast_mut()) };
        let guard = sys::on_interrupt(signal::on_signal)?;
        Ok(SignalInterrupt {
            _guard: guard,
            _state: self.clone(),
        })
    }
}
