//! Inserting absent keys, and laying a table out anew when its hash part is full.
//!
//! As in PUC, the array part becomes the largest power of two more than half of whose elements are
//! in use, counting integer keys wherever they are; but an array part in which more than a quarter
//! is in use is not made smaller.
//!
//! Everything that can fail happens before the table changes.

use super::array::{layout, shift};
use super::hash::{HashPart, Node, fits_array};
use super::{Table, TableError};
use crate::gc::Heap;
use crate::value::{INTEGER, NIL, Tag, Value};
use std::ptr;

/// How many integer keys there are in `2^(n-1) < key <= 2^n`, by `n`.
type Histogram = [u32; 32];

/// The class of an integer key in a [`Histogram`].
fn class_of(key: u64) -> usize {
    (u64::BITS - (key - 1).leading_zeros()) as usize
}

/// The best size for the array part, and how many keys are within it.
fn array_size(histogram: &Histogram) -> (u32, usize) {
    let mut best = (0, 0);
    let mut below = 0;
    for (class, &count) in histogram.iter().enumerate() {
        below += count as usize;
        if below > (1usize << class) / 2 {
            best = (1 << class, below);
        }
    }
    best
}

impl Table {
    /// Inserts a key that is absent, and belongs in the hash part unless it is an integer, with a
    /// value that is not nil.
    pub(super) unsafe fn insert(
        heap: &mut Heap,
        t: *mut Table,
        key: Value,
        value: Value,
    ) -> Result<(), TableError> {
        // SAFETY: called with a live table, key and value.
        unsafe {
            let index = key.payload.wrapping_sub(1);
            let in_array = |t: *mut Table| key.tag == INTEGER && index < (*t).capacity as u64;
            if in_array(t) {
                return Table::set_int_slow(heap, t, key.as_integer(), value);
            }
            if !HashPart::insert((*t).hash, key, value) {
                Table::rehash(heap, t, key)?;
                if in_array(t) {
                    return Table::set_int_slow(heap, t, key.as_integer(), value);
                }
                let inserted = HashPart::insert((*t).hash, key, value);
                debug_assert!(inserted, "no node is free after rehashing");
            }
            (*t).header.flags = 0;
            Table::barrier_any(heap, t);
            Ok(())
        }
    }

    /// Lays the table out anew, with room for `key`.
    #[cold]
    #[inline(never)]
    pub(super) unsafe fn rehash(
        heap: &mut Heap,
        t: *mut Table,
        key: Value,
    ) -> Result<(), TableError> {
        // SAFETY: called with a live table.
        unsafe {
            let new_integer = key.tag == INTEGER && fits_array(key.as_integer());
            if !new_integer && (*t).hash.as_ref().is_none_or(|hash| hash.integers == 0) {
                // The array part has nothing to win.
                let (live, dead) = Table::count_nodes(t);
                let count = Table::with_slack(t, live + 1, dead);
                return Table::resize(heap, t, (*t).capacity, count);
            }
            let mut histogram = [0; 32];
            let in_array = Table::count_array(t, &mut histogram);
            if new_integer {
                histogram[class_of(key.payload)] += 1;
            }
            Table::each_node(t, |node| {
                let is_integer = (*node).value_tag != NIL && (*node).key_tag == INTEGER;
                if is_integer && fits_array((*node).key as i64) {
                    histogram[class_of((*node).key)] += 1;
                }
            });
            let (live, dead) = Table::count_nodes(t);
            let (mut capacity, mut to_array) = array_size(&histogram);
            if capacity < (*t).capacity && in_array > (*t).capacity as usize / 4 {
                (capacity, to_array) = ((*t).capacity, in_array);
            }
            let count = in_array + live + 1 - to_array;
            let count = Table::with_slack(t, count, dead);
            Table::resize(heap, t, capacity, count)
        }
    }

    /// How many nodes have a value, and how many others a key.
    unsafe fn count_nodes(t: *const Table) -> (usize, usize) {
        let (mut live, mut used) = (0, 0);
        // SAFETY: called with a live table.
        unsafe {
            Table::each_node(t, |node| {
                live += usize::from((*node).value_tag != NIL);
                used += usize::from((*node).key_tag != NIL);
            });
        }
        (live, used - live)
    }

    /// How many keys to make room for when `count` are needed and `dead` nodes were found. A hash
    /// part from which about as many keys are removed as are inserted must not be rehashed again
    /// at once.
    unsafe fn with_slack(t: *const Table, count: usize, dead: usize) -> usize {
        // SAFETY: called with a live table.
        let size = match unsafe { (*t).hash.as_ref() } {
            Some(hash) if dead > 0 && count > 0 => hash.mask as usize + 1,
            // Keys seldom come alone.
            _ => return if count == 1 { 2 } else { count },
        };
        if count > size || count <= size / 4 {
            count
        } else if size - count < (size / 8).max(1) {
            size + 1
        } else {
            size
        }
    }

    /// Counts the elements of the array part, by class.
    unsafe fn count_array(t: *const Table, histogram: &mut Histogram) -> usize {
        // SAFETY: called with a live table.
        let tags = unsafe { Table::tag_slice(t) };
        let (mut start, mut total) = (0, 0);
        for (class, in_class) in histogram.iter_mut().enumerate() {
            let end = tags.len().min(1 << class);
            let count = tags[start..end].iter().filter(|&&tag| tag != NIL).count();
            *in_class += count as u32;
            total += count;
            start = end;
            if end == tags.len() {
                break;
            }
        }
        total
    }

    /// Calls `f` with each node of the hash part.
    #[inline(always)]
    pub(super) unsafe fn each_node(t: *const Table, mut f: impl FnMut(*mut Node)) {
        // SAFETY: called with a live table; `f` does not change the layout.
        unsafe {
            let hash = (*t).hash;
            if !hash.is_null() {
                for index in 0..HashPart::size(hash) {
                    f(HashPart::nodes(hash).add(index));
                }
            }
        }
    }

    /// Makes room for `extra` more keys in the hash part.
    pub(super) unsafe fn reserve_hash(
        heap: &mut Heap,
        t: *mut Table,
        extra: usize,
    ) -> Result<(), TableError> {
        // SAFETY: called with a live table.
        unsafe {
            let count = Table::count_nodes(t).0 + extra;
            if count == 0 {
                return Ok(());
            }
            Table::resize(heap, t, (*t).capacity, count)
        }
    }

    /// Gives the array part `capacity` elements, and the hash part room for `count` keys, which
    /// includes all that will be there.
    unsafe fn resize(
        heap: &mut Heap,
        t: *mut Table,
        capacity: u32,
        count: usize,
    ) -> Result<(), TableError> {
        // SAFETY: called with a live table. Nothing fails after the first change.
        unsafe {
            let hash = HashPart::allocate(heap, count)?;
            let old_hash = (*t).hash;
            let result = if capacity < (*t).capacity {
                Table::shrink_array(heap, t, capacity, hash)
            } else if capacity > (*t).capacity {
                Table::reallocate_array(heap, t, capacity)
            } else {
                Ok(())
            };
            if let Err(error) = result {
                HashPart::free(heap, hash);
                return Err(error);
            }
            Table::each_node(t, |node| {
                if (*node).value_tag == NIL {
                    return;
                }
                let index = (*node).key.wrapping_sub(1);
                if (*node).key_tag == INTEGER && index < capacity as u64 {
                    *(*t).array.add(index as usize) = (*node).value;
                    *(*t).tags.add(index as usize) = (*node).value_tag;
                } else {
                    HashPart::insert(hash, Node::key(node), Node::value(node));
                }
            });
            (*t).hash = hash;
            HashPart::free(heap, old_hash);
            if (*t).border > capacity {
                (*t).border = Table::dense_prefix(t);
            }
        }
        Ok(())
    }

    /// Moves the array part to a smaller block, and the elements beyond it into `hash`.
    unsafe fn shrink_array(
        heap: &mut Heap,
        t: *mut Table,
        capacity: u32,
        hash: *mut HashPart,
    ) -> Result<(), TableError> {
        // SAFETY: called with a live table, a smaller capacity, and a hash part with enough room.
        unsafe {
            let (mut array, mut tags): (*mut u64, *mut Tag) = (ptr::null_mut(), ptr::null_mut());
            if capacity > 0 {
                let block: *mut u64 = heap.allocate_buffer(layout(capacity))?.as_ptr().cast();
                array = block.add(shift(t, capacity));
                tags = array.add(capacity as usize).cast();
                ptr::copy_nonoverlapping((*t).array, array, capacity as usize);
                ptr::copy_nonoverlapping((*t).tags, tags, capacity as usize);
            }
            for index in capacity as usize..(*t).capacity as usize {
                let value = Value {
                    payload: *(*t).array.add(index),
                    tag: *(*t).tags.add(index),
                };
                if !value.is_nil() {
                    HashPart::insert(hash, Value::integer(index as i64 + 1), value);
                }
            }
            Table::free_array(heap, t);
            (*t).array = array;
            (*t).tags = tags;
            (*t).capacity = capacity;
        }
        Ok(())
    }
}
