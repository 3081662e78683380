//! What native functions charge to the state for memory of their own.
//!
//! A function that holds more than a bounded amount charges it, and takes the charge back when it
//! is done, whatever the outcome. What outlives a step belongs to a userdata in a slot, and so does
//! its charge: the collector takes it back with the userdata.

use super::{Action, Call, Local, NativeResult, RETRIED, UserdataRef};
use crate::error::{LuaError, Result};
use crate::limit;
use crate::string::{LuaString, MAX_SHORT};
use crate::value::Value;

/// Longer strings are polled for before they are made.
const POLLED: usize = 1 << 16;

impl<'c> Call<'c> {
    /// A string of `len` bytes, zeroes at first, that `fill` writes where they stay: so the string is all
    /// that is taken for it. `fill` may poll.
    ///
    /// # Errors
    /// Memory, before anything is filled; what an interruption raises, the end of the fuel; what `fill`
    /// fails with.
    pub fn new_string_with(
        &mut self,
        len: usize,
        fill: impl FnOnce(&mut Self, &mut [u8]) -> Result<()>,
    ) -> Result<Local<'c>> {
        if len <= MAX_SHORT {
            let mut bytes = [0; MAX_SHORT];
            fill(self, &mut bytes[..len])?;
            return self.new_string(&bytes[..len]);
        }
        if len > POLLED {
            self.poll()?;
        }
        // SAFETY: a native function's step, in which nothing collects, polls included; nobody else knows the
        // string before it is filled.
        unsafe {
            limit::charge_bytes(self.vm, len);
            let string = self.vm().heap.new_blank_string(len)?;
            fill(self, LuaString::as_bytes_mut(string))?;
            Ok(Local::new(Value::string(string)))
        }
    }

    /// Does what may need much memory. If the memory limit refuses that, everything is collected, and the
    /// function is run again, in the state [`RETRIED`](super::RETRIED): that one is to do what state 0 does.
    ///
    /// Only for what has changed nothing when it fails for lack of memory, its arguments' slots included;
    /// what it had in mind and in no slot is lost. In any other state `act` is just run.
    ///
    /// # Errors
    /// Those of `act`.
    #[inline]
    pub fn retry_with_room(&mut self, act: impl FnOnce(&mut Self) -> NativeResult) -> NativeResult {
        let top = self.top();
        match act(self) {
            Err(LuaError::Memory) if self.state() == 0 => self.ask_for_room(top),
            other => other,
        }
    }

    #[cold]
    fn ask_for_room(&mut self, top: u32) -> NativeResult {
        if !self.vm().heap.take_refusal() || self.is_collector_busy() {
            return Err(LuaError::Memory);
        }
        self.set_top(top)?;
        Ok(Action::Collect {
            full: true,
            step: 0,
            state: RETRIED,
        })
    }

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
        heap.expect_block(bytes);
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
