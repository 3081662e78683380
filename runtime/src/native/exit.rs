//! Closing the state from within a native function, for `os.exit`.

use super::Call;
use crate::{close, collect};

impl Call<'_> {
    /// Closes the state as the program sees it: the pending to-be-closed variables of the main
    /// coroutine, then all finalisers. Nothing may run afterwards but the end of the process.
    pub fn close_state(&mut self) {
        // SAFETY: the saved state is up to date during a step, and the caller ends the process.
        unsafe {
            close::close_main(self.vm);
            // Within a finaliser the others still have to run.
            (*self.vm).finalizing = false;
            collect::finalize_all(self.vm);
        }
    }
}
