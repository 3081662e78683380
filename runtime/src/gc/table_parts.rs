//! What the collector needs to know of a table's parts.

use super::heap::Heap;
use crate::table::Table;

impl Table {
    /// Frees the table's parts.
    ///
    /// # Safety
    /// `this` is a table of `heap` that is not used any more.
    pub(crate) unsafe fn free_parts(this: *mut Table, heap: &mut Heap) {
        let _ = (this, heap);
    }
}
