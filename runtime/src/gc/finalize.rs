//! Finalisers: which objects have one, in which order they are called.
//!
//! Objects stay in the ordinary object lists; a list of those with a finaliser in the order in
//! which they were armed says the rest. When marking finds one of them dead it becomes *pending*
//! (and is marked: it is resurrected), last armed first. The VM takes pending objects one by one
//! at safepoints and calls their `__gc`; an object so taken is an ordinary one again, and only
//! another `setmetatable` arms it again.

use super::heap::Heap;
use super::{FINALIZABLE, GcHeader, charge};
use crate::error::{LuaError, Result};
use crate::value::Value;

impl Heap {
    /// Whether [`Heap::next_pending_finalizer`] would return an object.
    #[inline(always)]
    pub fn has_pending_finalizers(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Takes the next object whose finaliser is to be called. Nothing roots it from here on.
    pub fn next_pending_finalizer(&mut self) -> Option<Value> {
        let object = self.pending.pop_front()?;
        // SAFETY: pending objects are marked, so they are not freed.
        unsafe {
            (*object).mark &= !FINALIZABLE;
            if self.is_dead(object) {
                (*object).set_colour(self.current_white);
            }
            super::object::value_of(object)
        }
    }

    /// Makes all objects with a finaliser pending, last armed first, for closing the state. From
    /// here on no finaliser can be armed and the collector does not run.
    pub fn separate_all_finalizers(&mut self) {
        self.set_closing();
        self.separate_finalizable(true);
    }

    /// Makes dead (or `all`) objects with a finaliser pending. Room was reserved when they were
    /// armed.
    pub(crate) fn separate_finalizable(&mut self, all: bool) {
        let from = if all {
            0
        } else {
            self.generations.old_finalizable.min(self.finalizable.len())
        };
        for index in (from..self.finalizable.len()).rev() {
            let object = self.finalizable[index];
            // SAFETY: objects with a finaliser are not freed before it was called.
            if all || unsafe { (*object).is_white() } {
                self.pending.push_back(object);
                self.finalizable[index] = std::ptr::null_mut();
            }
        }
        let mut index = 0;
        self.finalizable.retain(|object| {
            index += 1;
            index <= from || !object.is_null()
        });
    }

    /// Room for one more object with a finaliser, now and when it will be pending.
    pub(crate) fn reserve_finalizable(&mut self) -> Result<()> {
        let total = self.finalizable.len() + self.pending.len() + 1;
        if self.finalizable.capacity() <= self.finalizable.len() {
            let more = self.finalizable.capacity().max(16);
            self.grow_list(more, |heap| &mut heap.finalizable)?;
        }
        if self.pending.capacity() < total {
            let more = self.finalizable.capacity() + self.pending.len();
            let more = more.max(total) - self.pending.len();
            let before = charge::list::<*mut GcHeader>(self.pending.capacity());
            let bytes = charge::list::<*mut GcHeader>(self.pending.len() + more);
            self.charge(bytes)?;
            if self.pending.try_reserve_exact(more).is_err() {
                self.discharge(bytes);
                return Err(LuaError::Memory);
            }
            self.discharge(before);
        }
        Ok(())
    }
}
