//! Warnings: from `warn`, and from errors in finalisers.

use crate::error::Result;
use crate::vm::Vm;

/// Emits a warning through the state's warning function.
///
/// # Errors
/// What that raises.
///
/// # Safety
/// `vm` is live, and its saved state up to date.
pub unsafe fn warn(vm: *mut Vm, message: &[u8], to_continue: bool) -> Result<()> {
    // SAFETY: vm is live; the function is taken out while it runs, so that it can't be replaced
    // under its own feet.
    unsafe {
        if let Some(mut warn) = (*vm).warn.take() {
            let outcome = warn(message, to_continue);
            if (*vm).warn.is_none() {
                (*vm).warn = Some(warn);
            }
            return outcome;
        }
        Ok(())
    }
}
