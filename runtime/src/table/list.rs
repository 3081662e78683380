//! The list items of a constructor.

use super::{Table, TableError, load};
use crate::gc::Heap;
use crate::value::{NIL, Value};

impl Table {
    /// Stores `count` values from `values` at `first` and up, as a constructor does, and takes the
    /// border that PUC's search would find in the elements up to there.
    ///
    /// # Safety
    /// `t` is a live table of `heap` without elements from `first` on in its array part,
    /// `first >= 1`, and `values` points to `count` live values outside of the table.
    pub unsafe fn set_list(
        heap: &mut Heap,
        t: *mut Table,
        first: usize,
        values: *const Value,
        count: usize,
    ) -> Result<(), TableError> {
        // SAFETY: the caller's contract; the capacity covers what is written.
        unsafe {
            if count == 0 {
                return Ok(());
            }
            let last = (first - 1).checked_add(count).ok_or(TableError::Overflow)?;
            Table::reserve_array(heap, t, last)?;
            // Elements may go on in the hash part; bring them here while failing is harmless.
            while Table::hash_has(t, (*t).capacity as i64 + 1) {
                Table::grow_array(heap, t, Table::larger_capacity((*t).capacity)?)?;
            }
            for offset in 0..count {
                let value = load(values.add(offset));
                Table::write_element(t, first - 1 + offset, value);
            }
            Table::barrier_any(heap, t);
            (*t).border = Table::search_border(t, last as u32);
            Ok(())
        }
    }

    /// A border at or below element `last`, or beyond it when elements go on there.
    unsafe fn search_border(t: *const Table, last: u32) -> u32 {
        // SAFETY: called with a live table; indices are below the capacity.
        unsafe {
            let is_nil = |i: u32| *(*t).tags.add(i as usize - 1) == NIL;
            let (mut low, mut high) = (0, last);
            if last > 0 && !is_nil(last) {
                low = last;
                while low < (*t).capacity && !is_nil(low + 1) {
                    low += 1;
                }
                return low;
            }
            if last > 1 && !is_nil(last - 1) {
                return last - 1;
            }
            while low + 1 < high {
                let middle = low + (high - low) / 2;
                if is_nil(middle) {
                    high = middle;
                } else {
                    low = middle;
                }
            }
            low
        }
    }
}
