//! Write barriers: no black object may come to refer to a white one while marking.
//!
//! *Back*: the object written to turns gray again and is visited once more in the atomic part;
//! for tables, which are written often. *Forward*: what is written is marked at once; for cells,
//! closures and userdata. While sweeping, the invariant does not hold and is not needed: the
//! parent just becomes white early, as sweeping would make it, so that it triggers no more
//! barriers.

use super::heap::{Heap, Phase};
use super::{BLACK, GcHeader};
use crate::value::Value;

impl Heap {
    /// A reference has been, or is about to be, stored into `object` (a table). One byte test when
    /// there is nothing to do; the stored value's colour does not matter.
    ///
    /// # Safety
    /// `object` is a live object of this heap.
    #[inline(always)]
    pub unsafe fn barrier_back(&mut self, object: *mut GcHeader) {
        // SAFETY: the caller's contract.
        unsafe {
            if (*object).mark & BLACK != 0 {
                self.barrier_back_slow(object);
            }
        }
    }

    /// The part of [`Heap::barrier_back`] for a black object; machine code calls it.
    ///
    /// # Safety
    /// `object` is a live black object of this heap.
    #[cold]
    #[inline(never)]
    pub unsafe fn barrier_back_slow(&mut self, object: *mut GcHeader) {
        // SAFETY: the caller's contract.
        unsafe {
            if self.phase == Phase::Mark {
                (*object).set_colour(0);
                Heap::push_gray_again(self, object);
            } else {
                (*object).set_colour(self.current_white);
            }
        }
    }

    /// `child` has been, or is about to be, stored into `parent` (a cell, a closure, a userdata).
    ///
    /// # Safety
    /// `parent` and `child` are live in this heap.
    #[inline(always)]
    pub unsafe fn barrier_forward(&mut self, parent: *mut GcHeader, child: Value) {
        // SAFETY: the caller's contract.
        unsafe {
            if (*parent).mark & BLACK != 0 && child.is_object() {
                self.barrier_forward_slow(parent, child.as_header());
            }
        }
    }

    /// The part of [`Heap::barrier_forward`] for a black parent; machine code calls it. `child`
    /// may be any kind of object, protos included.
    ///
    /// # Safety
    /// `parent` is live and black, `child` is live.
    #[cold]
    #[inline(never)]
    pub unsafe fn barrier_forward_slow(&mut self, parent: *mut GcHeader, child: *mut GcHeader) {
        // SAFETY: the caller's contract.
        unsafe {
            if self.phase == Phase::Mark {
                Heap::mark_object(self, child);
            } else {
                (*parent).set_colour(self.current_white);
            }
        }
    }
}
