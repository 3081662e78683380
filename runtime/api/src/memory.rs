//! Memory of a state: how much, how much at most, and its collector.

use crate::{Lua, Result};

impl Lua {
    /// Bytes in use.
    pub fn used_memory(&self) -> usize {
        // SAFETY: the machine lives as long as the state.
        unsafe { (*self.vm()).heap.used_bytes() }
    }

    /// Limits the bytes in use; 0 for no limit. What does not fit raises "not enough memory".
    /// Answers the limit before.
    ///
    /// ```
    /// use perilune::{Error, Lua};
    /// let lua = Lua::new();
    /// lua.set_memory_limit(lua.used_memory() + (1 << 20))?;
    /// let outcome = lua.load("return ('x'):rep(1 << 30)").exec();
    /// assert!(matches!(outcome, Err(Error::MemoryError(_))));
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// None at present.
    pub fn set_memory_limit(&self, limit: usize) -> Result<usize> {
        // SAFETY: the machine lives as long as the state.
        unsafe {
            let heap = &mut (*self.vm()).heap;
            let before = heap.memory_limit().unwrap_or(0);
            heap.set_memory_limit((limit != 0).then_some(limit));
            Ok(before)
        }
    }

    /// Runs a full collection and due finalisers. Their errors are warnings, as they are in Lua 5.4.
    ///
    /// # Errors
    /// None at present.
    pub fn gc_collect(&self) -> Result<()> {
        // SAFETY: outside of native steps the state is at a safepoint.
        unsafe { perilune_runtime::collect::full(self.vm()) };
        Ok(())
    }
}
