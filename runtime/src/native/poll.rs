//! Polling: how native functions that run for long notice an interruption, and burn fuel.

use super::Call;
use crate::error::Result;
use crate::interrupt;
use crate::limit;
use crate::signal;
use crate::vm::pending;
use std::sync::atomic::Ordering;

impl Call<'_> {
    /// To be called after a pattern's matcher has taken `steps` steps for which it did not poll.
    #[inline]
    pub fn burn_steps(&mut self, steps: usize) {
        // SAFETY: the machine is live; library functions are no part of traces.
        unsafe { limit::charge_steps(self.vm, steps) }
    }

    /// To be called about every thousand iterations or 64 KiB of work of a long loop.
    ///
    /// # Errors
    /// What an interruption raises, or the end of the fuel.
    #[inline]
    pub fn poll(&mut self) -> Result<()> {
        // SAFETY: a step may poll.
        unsafe {
            limit::charge(self.vm, limit::POLL)?;
            interrupt::check(self.vm)
        }
    }

    /// As [`Call::poll`], in a computation that neither reads nor writes: a Ctrl-C of this very
    /// moment is left to Lua code, as the computation may be about to end.
    ///
    /// # Errors
    /// What an interruption raises, or the end of the fuel.
    #[inline]
    pub fn poll_computation(&mut self) -> Result<()> {
        let bits = self.vm_ref().pending.load(Ordering::Relaxed);
        if bits & pending::INTERRUPT != 0 && signal::is_new() {
            // SAFETY: a step may poll.
            return unsafe { limit::charge(self.vm, limit::POLL) };
        }
        self.poll()
    }
}
