//! Warnings: from `warn`, and from errors in finalisers.

use crate::vm::Vm;

/// Emits a warning through the state's warning function.
pub(crate) fn warn(vm: *mut Vm, message: &[u8], to_continue: bool) {
    // SAFETY: vm is live; the function is taken out while it runs, so that it can't be replaced
    // under its own feet.
    unsafe {
        if let Some(mut warn) = (*vm).warn.take() {
            warn(message, to_continue);
            if (*vm).warn.is_none() {
                (*vm).warn = Some(warn);
            }
        }
    }
}
