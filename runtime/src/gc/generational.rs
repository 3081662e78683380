//! Generational mode: what is black is old.
//!
//! After each collection every survivor is old: it keeps its mark and moves to the list of old
//! objects, which minor collections do not look at. They start from the roots, the old threads,
//! and the old objects that a barrier turned gray since the last collection; they sweep the young
//! objects only. A major collection makes everything white and starts over.
//!
//! Between collections the phase is `Mark`, so that barriers work as they do while marking.

use super::heap::{Heap, Phase};
use super::pacing::{Mode, run_until_pause};
use super::{GcHeader, Roots, charge};
use crate::error::Result;
use crate::string::LuaString;

/// Generational mode's own lists; empty in incremental mode.
#[derive(Debug)]
pub(crate) struct Generations {
    /// Old objects (interned strings excepted).
    pub(crate) old: *mut GcHeader,
    /// Interned strings born since the last collection.
    pub(crate) young_strings: Vec<*mut LuaString>,
    /// How many of the objects with a finaliser are old.
    pub(crate) old_finalizable: usize,
}

impl Default for Generations {
    fn default() -> Self {
        Generations {
            old: std::ptr::null_mut(),
            young_strings: Vec::new(),
            old_finalizable: 0,
        }
    }
}

impl Heap {
    /// Room to note one more young string.
    #[inline(always)]
    pub(crate) fn reserve_young_string(&mut self) -> Result<()> {
        if self.pacing.mode() == Mode::Generational {
            return self.reserve_young_string_slow();
        }
        Ok(())
    }

    #[inline(never)]
    fn reserve_young_string_slow(&mut self) -> Result<()> {
        let list = &mut self.generations.young_strings;
        if list.len() == list.capacity() {
            let more = list.capacity().max(256);
            self.grow_list(more, |heap| &mut heap.generations.young_strings)?;
        }
        Ok(())
    }

    /// Notes a new interned string; there is room.
    #[inline(always)]
    pub(crate) fn note_young_string(&mut self, string: *mut LuaString) {
        if self.pacing.mode() == Mode::Generational {
            self.generations.young_strings.push(string);
        }
    }

    /// Turns everything white and goes to the pause, as incremental mode has it.
    pub(crate) fn leave_generational(&mut self) {
        // Objects that a barrier turned gray are in the lists, too.
        let white = self.current_white;
        self.clear_gray_lists();
        // SAFETY: the lists and chains consist of objects that are not freed.
        unsafe {
            let mut last = std::ptr::null_mut::<GcHeader>();
            let mut object = self.generations.old;
            while !object.is_null() {
                (*object).set_colour(white);
                last = object;
                object = (*object).next;
            }
            // Young objects may have been marked by forward barriers.
            let mut object = self.objects;
            while !object.is_null() {
                (*object).set_colour(white);
                object = (*object).next;
            }
            if !last.is_null() {
                (*last).next = self.objects;
                self.objects = self.generations.old;
            }
            for bucket in 0..self.strings.buckets.len() {
                let mut string = self.strings.buckets[bucket];
                while !string.is_null() {
                    (*string).header.set_colour(white);
                    string = (*string).header.next.cast();
                }
            }
        }
        let young = std::mem::take(&mut self.generations.young_strings);
        self.discharge(charge::list::<*mut LuaString>(young.capacity()));
        self.generations = Generations::default();
        self.pacing.set_mode(Mode::Incremental);
        self.phase = Phase::Pause;
    }

    /// Frees dead young objects; the others become old.
    fn sweep_young(&mut self) {
        let dead = self.other_white();
        // SAFETY: lists consist of objects that are not freed; nothing refers to a dead one.
        unsafe {
            let mut object = std::mem::replace(&mut self.objects, std::ptr::null_mut());
            while !object.is_null() {
                let next = (*object).next;
                if (*object).mark & dead != 0 {
                    self.free_object(object);
                } else {
                    (*object).next = self.generations.old;
                    self.generations.old = object;
                }
                object = next;
            }
            for index in 0..self.generations.young_strings.len() {
                let string = self.generations.young_strings[index];
                if (*string).header.mark & dead != 0 {
                    self.unlink_string(string);
                    self.free_object(string.cast());
                }
            }
        }
        self.generations.young_strings.clear();
        self.generations.old_finalizable = self.finalizable.len();
    }

    /// Takes a string out of its chain.
    unsafe fn unlink_string(&mut self, string: *mut LuaString) {
        // SAFETY: the caller passes a string of the table; chains end with null.
        unsafe {
            let bucket = self.strings.bucket_of((*string).header.extra);
            let next = (*string).header.next;
            let mut at = self.strings.buckets[bucket];
            if at == string {
                self.strings.buckets[bucket] = next.cast();
            } else {
                while (*at).header.next != string.cast() {
                    at = (*at).header.next.cast();
                }
                (*at).header.next = next;
            }
            self.strings.count -= 1;
        }
    }

    /// Sets the debt for the next minor collection.
    fn set_minor_debt(&mut self) {
        let growth = self.used / 100 * usize::from(self.pacing.minor_multiplier);
        self.set_debt(-(growth as isize));
    }

    /// Ends a collection: threads are visited again next time, nothing else is gray.
    fn end_generational(&mut self) {
        self.phase = Phase::Mark;
        if !self.pacing.emergency {
            self.shrink_string_table();
            self.shrink_lists();
        }
    }
}

/// Enters generational mode by a full cycle after which all survivors are old; returns the work
/// of marking.
///
/// # Safety
/// As [`super::step`], in incremental mode.
pub(crate) unsafe fn enter<R: Roots>(heap: *mut Heap, roots: *mut R) -> usize {
    // SAFETY: the caller's contract.
    unsafe {
        if (*heap).phase == Phase::Mark {
            (*heap).start_sweep();
        }
        run_until_pause(heap, roots);
        Heap::start_cycle(heap, roots);
        let work = Heap::atomic(heap, roots);
        become_old(heap);
        work
    }
}

/// After marking in incremental mode: sweeps everything at once and makes it old.
unsafe fn become_old(heap: *mut Heap) {
    // SAFETY: the caller passes a live heap whose atomic part is done.
    unsafe {
        (*heap).pacing.set_mode(Mode::Generational);
        (*heap).pacing.bad_major = 0;
        (*heap).sweep_young();
        for bucket in 0..(*heap).strings.buckets.len() {
            (*heap).sweep_chain(bucket, super::BLACK);
        }
        (*heap).end_generational();
        (*heap).pacing.estimate = (*heap).used;
        (*heap).set_minor_debt();
    }
}

/// A major collection; returns the work of marking.
///
/// # Safety
/// As [`super::step`], in generational mode.
pub(crate) unsafe fn major<R: Roots>(heap: *mut Heap, roots: *mut R) -> usize {
    // SAFETY: the caller's contract.
    unsafe {
        (*heap).leave_generational();
        enter(heap, roots)
    }
}

/// A minor collection.
///
/// # Safety
/// As [`super::step`], in generational mode.
pub(crate) unsafe fn minor<R: Roots>(heap: *mut Heap, roots: *mut R) {
    // SAFETY: the caller's contract.
    unsafe {
        debug_assert_eq!((*heap).phase, Phase::Mark);
        Heap::atomic(heap, roots);
        (*heap).sweep_young();
        (*heap).end_generational();
    }
}

/// A step: usually a minor collection; a major one when memory has grown by the major multiplier
/// since the last. If that did not free at least half of the growth, it was a bad one, and
/// following steps are full cycles in incremental mode until one is good.
///
/// # Safety
/// As [`super::step`], when generational mode is asked for.
pub(crate) unsafe fn step<R: Roots>(heap: *mut Heap, roots: *mut R) {
    // SAFETY: the caller's contract.
    unsafe {
        if (*heap).pacing.bad_major != 0 {
            step_after_bad_major(heap, roots);
            return;
        }
        let base = (*heap).pacing.estimate;
        let growth = base / 100 * (usize::from((*heap).pacing.major_multiplier) * 4);
        if (*heap).debt() > 0 && (*heap).used > base.saturating_add(growth) {
            let work = major(heap, roots);
            if (*heap).used >= base + growth / 2 {
                (*heap).pacing.bad_major = work.max(1);
                (*heap).pause_until_next_cycle();
            }
        } else {
            minor(heap, roots);
            (*heap).set_minor_debt();
            (*heap).pacing.estimate = base;
        }
    }
}

/// A full cycle after a bad major collection: back to minor ones if it marked less than 1/8 more
/// than the last.
unsafe fn step_after_bad_major<R: Roots>(heap: *mut Heap, roots: *mut R) {
    // SAFETY: the caller's contract.
    unsafe {
        let last = (*heap).pacing.bad_major;
        if (*heap).pacing.mode() == Mode::Generational {
            (*heap).leave_generational();
        }
        run_until_pause(heap, roots);
        Heap::start_cycle(heap, roots);
        let work = Heap::atomic(heap, roots);
        if work < last + last / 8 {
            become_old(heap);
        } else {
            (*heap).pacing.estimate = (*heap).used;
            (*heap).start_sweep();
            run_until_pause(heap, roots);
            (*heap).pause_until_next_cycle();
            (*heap).pacing.bad_major = work.max(1);
        }
    }
}
