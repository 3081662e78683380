//! What native functions charge to the state for memory of their own.
//!
//! A function that holds more than a bounded amount charges it, and takes the charge back when it
//! is done, whatever the outcome. What outlives a step belongs to a userdata in a slot, and so does
//! its charge: the collector takes it back with the userdata.

use super::{Call, UserdataRef};
use crate::error::{LuaError, Result};

impl<'c> Call<'c> {
    /// Makes sure that the memory limit allows `bytes` more for something short-lived.
    ///
    /// # Errors
    /// Memory.
    pub fn check_memory(&self, bytes: usize) -> Result<()> {
        let heap = &self.vm_ref().heap;
        match heap.memory_limit() {
            Some(limit) if heap.used_bytes().saturating_add(bytes) > limit => Err(LuaError::Memory),
            _ => Ok(()),
        }
    }

    /// Charges `bytes` that the function is about to allocate.
    ///
    /// # Errors
    /// Memory.
    #[inline]
    pub fn charge(&mut self, bytes: usize) -> Result<()> {
        let heap = &mut self.vm().heap;
        heap.charge(bytes)?;
        heap.note_peak();
        Ok(())
    }

    /// Takes back what [`Call::charge`] charged.
    #[inline]
    pub fn discharge(&mut self, bytes: usize) {
        let heap = &mut self.vm().heap;
        heap.discharge(bytes);
        heap.return_memory();
    }

    /// Makes `u` bear `bytes` that the function has charged.
    pub fn give_charge(&mut self, u: UserdataRef<'c>, bytes: usize) {
        // SAFETY: the userdata is live during the step; nobody holds a reference to the field.
        unsafe { (*u.raw).charged += bytes };
    }

    /// The converse of [`Call::give_charge`].
    pub fn take_charge(&mut self, u: UserdataRef<'c>, bytes: usize) {
        // SAFETY: as above.
        unsafe { (*u.raw).charged = (*u.raw).charged.saturating_sub(bytes) };
    }
}
