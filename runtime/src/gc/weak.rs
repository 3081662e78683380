//! Weak tables: values, keys (ephemerons), both.
//!
//! While marking goes on in steps, weak tables are only put off (they stay gray) and are visited
//! in the atomic part, where one of three lists takes each that may have to be cleared. A table
//! that fits in no list for want of memory is treated as strong in this cycle.

use super::Roots;
use super::heap::Heap;
use crate::table::Table;

/// Weak tables met in the atomic part.
#[derive(Debug, Default)]
pub(crate) struct WeakLists {
    /// Weak values, strong keys.
    pub(crate) values: Vec<*mut Table>,
    /// Weak keys, strong values.
    pub(crate) ephemerons: Vec<*mut Table>,
    /// Weak keys and values.
    pub(crate) both: Vec<*mut Table>,
}

impl WeakLists {
    pub(crate) fn clear(&mut self) {
        self.values.clear();
        self.ephemerons.clear();
        self.both.clear();
    }
    /// How many tables have weak values, and how many both.
    pub(crate) fn lengths(&self) -> (usize, usize) {
        (self.values.len(), self.both.len())
    }
}

impl Heap {
    pub(crate) unsafe fn traverse_table(this: *mut Heap, table: *mut Table) -> usize {
        let _ = (this, table);
        1
    }
    pub(crate) unsafe fn converge_ephemerons<R: Roots>(
        this: *mut Heap,
        roots: *mut R,
        thread_index: &mut usize,
    ) -> usize {
        let _ = (this, roots, thread_index);
        0
    }
    pub(crate) fn clear_weak_values(&mut self, values_from: usize, both_from: usize) {
        let _ = (values_from, both_from);
    }
    pub(crate) fn clear_weak_keys(&mut self) {}
    pub(crate) unsafe fn sweep_shapes<R: Roots>(this: *mut Heap, roots: *mut R) {
        let _ = (this, roots);
    }
}
