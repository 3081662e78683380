//! Sweeping: frees what marking found dead and makes the rest white again, in steps.
//!
//! The object list is moved to `unswept` at the start; each live object goes back to `objects`,
//! where new ones also go meanwhile. Then follow the chains of the string table.

use super::heap::{Heap, Phase};
use super::{GcHeader, charge};

impl Heap {
    /// Starts sweeping. Dead is what has the other white; if whites were not flipped before,
    /// nothing is dead and everything just turns white.
    pub(crate) fn start_sweep(&mut self) {
        debug_assert!(self.unswept.is_null());
        self.unswept = std::mem::replace(&mut self.objects, std::ptr::null_mut());
        self.sweep_bucket = 0;
        self.phase = Phase::SweepObjects;
        self.clear_gray_lists();
    }

    /// Sweeps up to `limit` objects; returns how many it looked at.
    pub(crate) fn sweep_objects(&mut self, limit: usize) -> usize {
        let dead = self.other_white();
        let white = self.current_white;
        for count in 0..limit {
            let object = self.unswept;
            if object.is_null() {
                self.phase = Phase::SweepStrings;
                return count;
            }
            // SAFETY: the list consists of objects that are not freed; a dead one is referred to
            // by nothing.
            unsafe {
                self.unswept = (*object).next;
                if (*object).mark & dead != 0 {
                    self.free_swept(object);
                } else {
                    (*object).set_colour(white);
                    (*object).next = self.objects;
                    self.objects = object;
                }
            }
        }
        limit
    }

    /// Sweeps up to `limit` chains of strings; ends the cycle after the last.
    pub(crate) fn sweep_strings(&mut self, limit: usize) -> usize {
        let mut work = 0;
        for _ in 0..limit {
            if self.sweep_bucket >= self.strings.buckets.len() {
                self.end_cycle();
                return work;
            }
            work += 1 + self.sweep_chain(self.sweep_bucket, self.current_white);
            self.sweep_bucket += 1;
        }
        work
    }

    /// Frees the dead strings of one chain and gives the others `colour`; returns how many there
    /// were.
    pub(crate) fn sweep_chain(&mut self, bucket: usize, colour: u8) -> usize {
        let dead = self.other_white();
        let mut count = 0;
        // SAFETY: chains consist of strings that are not freed; nothing refers to a dead one.
        unsafe {
            let mut kept = std::ptr::null_mut::<GcHeader>();
            let mut string = self.strings.buckets[bucket].cast::<GcHeader>();
            while !string.is_null() {
                let next = (*string).next;
                count += 1;
                if (*string).mark & dead != 0 {
                    if kept.is_null() {
                        self.strings.buckets[bucket] = next.cast();
                    } else {
                        (*kept).next = next;
                    }
                    self.strings.count -= 1;
                    self.free_swept(string);
                } else {
                    (*string).set_colour(colour);
                    kept = string;
                }
                string = next;
            }
        }
        count
    }

    /// Frees a dead object and corrects the estimate of what the cycle leaves.
    ///
    /// # Safety
    /// As [`Heap::free_object`].
    pub(crate) unsafe fn free_swept(&mut self, object: *mut GcHeader) {
        let before = self.used;
        // SAFETY: the caller's contract.
        unsafe { self.free_object(object) };
        let freed = before - self.used;
        self.pacing.estimate = self.pacing.estimate.saturating_sub(freed);
    }

    fn end_cycle(&mut self) {
        if !self.pacing.emergency {
            let before = self.used;
            self.shrink_string_table();
            self.shrink_lists();
            self.pacing.estimate = self.pacing.estimate.saturating_sub(before - self.used);
        }
        self.phase = Phase::Pause;
    }

    /// Gives back the memory of gray lists that were large.
    pub(crate) fn shrink_lists(&mut self) {
        const KEEP: usize = 1024;
        let mut freed = 0;
        for list in [&mut self.gray, &mut self.gray_again] {
            if list.capacity() > KEEP && list.len() <= KEEP {
                let before = charge::list::<*mut GcHeader>(list.capacity());
                list.shrink_to(KEEP);
                freed += before - charge::list::<*mut GcHeader>(list.capacity());
            }
        }
        freed += self.weak.bytes();
        self.weak.release();
        self.discharge(freed);
    }
}

impl Drop for Heap {
    /// Frees everything; finalisers are not called ([`Heap::separate_all_finalizers`] comes first
    /// when the state is closed properly).
    fn drop(&mut self) {
        for list in [self.objects, self.unswept, self.generations.old] {
            let mut object = list;
            while !object.is_null() {
                // SAFETY: nothing is used any more; each object is in one list.
                unsafe {
                    let next = (*object).next;
                    self.free_object(object);
                    object = next;
                }
            }
        }
        for bucket in std::mem::take(&mut self.strings.buckets) {
            let mut string = bucket.cast::<GcHeader>();
            while !string.is_null() {
                // SAFETY: as above; each interned string is in one chain.
                unsafe {
                    let next = (*string).next;
                    self.free_object(string);
                    string = next;
                }
            }
        }
    }
}
