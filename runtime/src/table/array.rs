//! The array part: elements `1..=capacity` in one block, payloads first, then one tag byte each. Large
//! ones leave out some words at the block's start, how many depends on the table's address (`shift`).
//!
//! Two 8- and 1-byte stores per element keep numbers at their native width, and a store of a known
//! type touches the payload only.
//!
//! The border is kept, not searched: what fills the place after it moves it on, over elements that
//! are there already and into integer keys of the hash part, and clearing the element at the
//! border moves it back. Each step over an element undoes one earlier store, so both are constant
//! time on average.

use super::hash::{HashPart, Node};
use super::{Table, TableError};
use crate::gc::Heap;
use crate::value::{NIL, Tag, Value};
use std::alloc::Layout;
use std::ptr::{self, NonNull};

/// The most elements of an array part.
pub(crate) const MAX_CAPACITY: u32 = 1 << 31;
/// The capacity an array part starts with when it grows by appending.
const FIRST_CAPACITY: u32 = 4;

/// From this capacity on an array part begins at another place of its block for each table.
const SHIFTED: u32 = 2048;
/// How far apart these places are, and how many there are.
const LINE: usize = 64;
const LINES: usize = 32;

/// The layout of an array part's block.
pub(super) fn layout(capacity: u32) -> Layout {
    let elements = capacity as usize * (size_of::<u64>() + size_of::<Tag>());
    let spare = if capacity < SHIFTED { 0 } else { LINE * LINES };
    // SAFETY: nine bytes for each of at most 2^31 elements are far from overflowing.
    unsafe { Layout::from_size_align_unchecked(elements + spare, align_of::<u64>()) }
}

/// How many words of its block an array part leaves out. Large blocks begin at the same place of a
/// page; were all arrays to do so, equal indices of two of them would compete for the same few lines
/// of the processor's cache.
pub(super) fn shift(t: *const Table, capacity: u32) -> usize {
    if capacity < SHIFTED {
        return 0;
    }
    (t as usize / 16 % LINES) * (LINE / size_of::<u64>())
}

/// The fast paths, small enough to be part of an interpreter's handlers.
impl Table {
    /// `t[i]` if `i` is within the array part.
    ///
    /// # Safety
    /// `t` is a live table.
    #[inline(always)]
    pub unsafe fn array_get(t: *const Table, i: i64) -> Option<Value> {
        // SAFETY: the caller's contract; the index is below the capacity.
        unsafe {
            let index = (i as u64).wrapping_sub(1);
            if index < (*t).capacity as u64 {
                return Some(Value {
                    payload: *(*t).array.add(index as usize),
                    tag: *(*t).tags.add(index as usize),
                });
            }
            None
        }
    }

    /// `t[i] = value` if that changes neither border nor layout: `1 <= i <= border`, and not nil
    /// at the border. The caller sees to the barrier.
    ///
    /// # Safety
    /// `t` is a live table.
    #[inline(always)]
    pub unsafe fn array_set_existing(t: *mut Table, i: i64, value: Value) -> bool {
        // SAFETY: the caller's contract; the index is below the border.
        unsafe {
            let index = (i as u64).wrapping_sub(1);
            let end = (*t).border as u64 - u64::from(value.tag == NIL && (*t).border != 0);
            if index >= end {
                return false;
            }
            Table::write_element(t, index as usize, value);
            true
        }
    }

    /// Appends `value`, which is not nil, at `border + 1`, if that needs no growth and meets no
    /// other element. The caller sees to the barrier.
    ///
    /// # Safety
    /// `t` is a live table.
    #[inline(always)]
    pub unsafe fn array_append(t: *mut Table, value: Value) -> bool {
        // SAFETY: the caller's contract; both indices are below the capacity.
        unsafe {
            let border = (*t).border;
            if border + 1 >= (*t).capacity || *(*t).tags.add(border as usize + 1) != NIL {
                return false;
            }
            Table::write_element(t, border as usize, value);
            (*t).border = border + 1;
            true
        }
    }

    /// `#t`, raw.
    ///
    /// # Safety
    /// `t` is a live table.
    #[inline(always)]
    pub unsafe fn border(t: *const Table) -> i64 {
        // SAFETY: the caller's contract.
        unsafe { (*t).border as i64 }
    }

    /// `t[i]`, raw.
    ///
    /// # Safety
    /// `t` is a live table.
    #[inline(always)]
    pub unsafe fn get_int(t: *const Table, i: i64) -> Value {
        // SAFETY: the caller's contract.
        unsafe {
            match Table::array_get(t, i) {
                Some(value) => value,
                None if (*t).hash.is_null() => Value::NIL,
                None => Table::get_int_in_hash(t, i),
            }
        }
    }

    #[inline(never)]
    unsafe fn get_int_in_hash(t: *const Table, i: i64) -> Value {
        // SAFETY: called with a live table that has a hash part.
        unsafe {
            let node = HashPart::find_integer((*t).hash, i);
            if node.is_null() {
                return Value::NIL;
            }
            Node::value(node)
        }
    }

    /// `t[i] = value`, raw.
    ///
    /// # Safety
    /// `t` is a live table of `heap`, and `value` live.
    #[inline(always)]
    pub unsafe fn set_int(
        heap: &mut Heap,
        t: *mut Table,
        i: i64,
        value: Value,
    ) -> Result<(), TableError> {
        // SAFETY: the caller's contract.
        unsafe {
            if Table::array_set_existing(t, i, value) {
                Table::barrier(heap, t, value);
                return Ok(());
            }
            if i == Table::border(t) + 1 && value.tag != NIL && Table::array_append(t, value) {
                Table::barrier(heap, t, value);
                return Ok(());
            }
            Table::set_int_slow(heap, t, i, value)
        }
    }

    /// Appends `value` at `border + 1`; nil does nothing.
    ///
    /// # Safety
    /// `t` is a live table of `heap`, and `value` live.
    #[inline(always)]
    pub unsafe fn push(heap: &mut Heap, t: *mut Table, value: Value) -> Result<(), TableError> {
        // SAFETY: the caller's contract.
        unsafe {
            if value.tag != NIL && Table::array_append(t, value) {
                Table::barrier(heap, t, value);
                return Ok(());
            }
            Table::set_int_slow(heap, t, Table::border(t) + 1, value)
        }
    }

    #[inline(always)]
    pub(super) unsafe fn write_element(t: *mut Table, index: usize, value: Value) {
        // SAFETY: called with an index below the capacity.
        unsafe {
            *(*t).array.add(index) = value.payload;
            *(*t).tags.add(index) = value.tag;
        }
    }
}

impl Table {
    /// `t[i] = value`, raw, where the fast path does not apply.
    ///
    /// # Safety
    /// `t` is a live table of `heap`, and `value` live.
    #[inline(never)]
    pub unsafe fn set_int_slow(
        heap: &mut Heap,
        t: *mut Table,
        i: i64,
        value: Value,
    ) -> Result<(), TableError> {
        // SAFETY: the caller's contract; element indices are below the capacity.
        unsafe {
            let index = (i as u64).wrapping_sub(1);
            if index < (*t).capacity as u64 {
                let index = index as u32;
                if value.tag == NIL {
                    Table::write_element(t, index as usize, value);
                    if index + 1 == (*t).border {
                        Table::retreat(t);
                    }
                    return Ok(());
                }
                if index == (*t).border {
                    let border = Table::prepare_border(heap, t, index + 1)?;
                    (*t).border = border;
                }
                Table::write_element(t, index as usize, value);
                Table::barrier(heap, t, value);
                return Ok(());
            }
            if index == (*t).border as u64 {
                if value.tag == NIL {
                    return Ok(());
                }
                return Table::append_and_grow(heap, t, value);
            }
            if !(*t).hash.is_null() {
                let node = HashPart::find_integer((*t).hash, i);
                if !node.is_null() {
                    Node::set_value(node, value);
                    Table::barrier(heap, t, value);
                    return Ok(());
                }
            }
            if value.tag == NIL {
                return Ok(());
            }
            Table::insert(heap, t, Value::integer(i), value)
        }
    }

    /// Appends at a border that is the capacity.
    #[cold]
    unsafe fn append_and_grow(
        heap: &mut Heap,
        t: *mut Table,
        value: Value,
    ) -> Result<(), TableError> {
        // SAFETY: called with a live table and value.
        unsafe {
            let capacity = (*t).capacity;
            // A queue leaves nils behind; then the elements are better off in the hash part.
            if Table::count_elements(t) + 1 > capacity as usize / 4 * 3 {
                let larger = Table::larger_capacity(capacity)?;
                Table::grow_array(heap, t, larger)?;
                let border = Table::prepare_border(heap, t, capacity + 1)?;
                Table::write_element(t, capacity as usize, value);
                (*t).border = border;
                Table::barrier(heap, t, value);
                return Ok(());
            }
            let key = Value::integer(capacity as i64 + 1);
            Table::rehash(heap, t, key)?;
            Table::insert(heap, t, key, value)?;
            if (*t).border == (*t).capacity {
                // The key may have gone to the hash part, right behind the border.
                (*t).border = Table::dense_prefix(t);
            }
            Ok(())
        }
    }

    /// The next larger capacity.
    pub(super) fn larger_capacity(capacity: u32) -> Result<u32, TableError> {
        if capacity >= MAX_CAPACITY {
            return Err(TableError::Overflow);
        }
        Ok((capacity + 1).next_power_of_two().max(FIRST_CAPACITY))
    }

    /// The border after element `filled`, the one behind the border, gets a value: beyond all
    /// elements that follow without a hole. Grows the array part where they go on in the hash part.
    #[inline]
    unsafe fn prepare_border(
        heap: &mut Heap,
        t: *mut Table,
        filled: u32,
    ) -> Result<u32, TableError> {
        // SAFETY: called with a live table; indices are below the capacity.
        unsafe {
            let mut border = filled;
            loop {
                while border < (*t).capacity && *(*t).tags.add(border as usize) != NIL {
                    border += 1;
                }
                if border < (*t).capacity || !Table::hash_has(t, border as i64 + 1) {
                    return Ok(border);
                }
                Table::grow_array(heap, t, Table::larger_capacity(border)?)?;
            }
        }
    }

    /// Whether the hash part has a value for an integer key that could be in an array part.
    #[inline]
    pub(super) unsafe fn hash_has(t: *const Table, i: i64) -> bool {
        // SAFETY: called with a live table.
        unsafe {
            let hash = (*t).hash;
            if hash.is_null() || (*hash).integers == 0 {
                return false;
            }
            let node = HashPart::find_integer(hash, i);
            !node.is_null() && (*node).value_tag != NIL
        }
    }

    /// Moves the border back to where it is one again.
    pub(super) unsafe fn retreat(t: *mut Table) {
        // SAFETY: called with a live table; indices are below the capacity.
        unsafe {
            let mut border = (*t).border;
            while border > 0 && *(*t).tags.add(border as usize - 1) == NIL {
                border -= 1;
            }
            (*t).border = border;
        }
    }

    /// How many elements the array part has.
    pub(super) unsafe fn count_elements(t: *const Table) -> usize {
        // SAFETY: called with a live table.
        unsafe {
            Table::tag_slice(t)
                .iter()
                .filter(|&&tag| tag != NIL)
                .count()
        }
    }

    /// The tags of the array part.
    pub(super) unsafe fn tag_slice<'a>(t: *const Table) -> &'a [Tag] {
        // SAFETY: called with a live table, and the slice dropped before the table changes.
        unsafe {
            if (*t).tags.is_null() {
                return &[];
            }
            std::slice::from_raw_parts((*t).tags, (*t).capacity as usize)
        }
    }

    /// How many elements there are before the first hole.
    pub(super) unsafe fn dense_prefix(t: *const Table) -> u32 {
        // SAFETY: called with a live table.
        unsafe {
            let tags = Table::tag_slice(t);
            tags.iter()
                .position(|&tag| tag == NIL)
                .unwrap_or(tags.len()) as u32
        }
    }

    /// Makes the array part larger, and moves integer keys there from the hash part.
    pub(super) unsafe fn grow_array(
        heap: &mut Heap,
        t: *mut Table,
        capacity: u32,
    ) -> Result<(), TableError> {
        // SAFETY: called with a live table.
        unsafe {
            let old = (*t).capacity;
            Table::reallocate_array(heap, t, capacity)?;
            if !(*t).hash.is_null() && (*(*t).hash).integers != 0 {
                Table::absorb(t, old);
            }
        }
        Ok(())
    }

    /// Makes the array part's block larger; the new elements are nil.
    pub(super) unsafe fn reallocate_array(
        heap: &mut Heap,
        t: *mut Table,
        capacity: u32,
    ) -> Result<(), TableError> {
        // SAFETY: called with a live table and a larger capacity than it has; the block has the
        // layout of its capacity. Tags move up within it, then elements where they begin elsewhere.
        unsafe {
            let old = (*t).capacity as usize;
            if capacity > MAX_CAPACITY {
                return Err(TableError::Overflow);
            }
            let (from, to) = (shift(t, old as u32), shift(t, capacity));
            let block = match NonNull::new((*t).array) {
                Some(array) => heap.reallocate_buffer(
                    array.sub(from).cast(),
                    layout(old as u32),
                    layout(capacity).size(),
                )?,
                None => heap.allocate_buffer(layout(capacity))?,
            };
            let block = block.as_ptr().cast::<u64>();
            let array = block.add(to);
            let new = capacity as usize;
            let tags = array.add(new).cast::<Tag>();
            ptr::copy(block.add(from + old).cast::<Tag>(), tags, old);
            if from != to {
                ptr::copy(block.add(from), array, old);
            }
            array.add(old).write_bytes(0, new - old);
            tags.add(old).write_bytes(NIL, new - old);
            (*t).array = array;
            (*t).tags = tags;
            (*t).capacity = capacity;
        }
        Ok(())
    }

    /// Moves the integer keys above `old` that are within the capacity to the array part.
    unsafe fn absorb(t: *mut Table, old: u32) {
        // SAFETY: called with a live table that has a hash part.
        unsafe {
            let hash = (*t).hash;
            let take = |node: *mut Node, index: usize| {
                if (*node).value_tag != NIL {
                    Table::write_element(t, index, Node::value(node));
                    Node::set_value(node, Value::NIL);
                    (*hash).integers -= 1;
                }
            };
            let range = old as u64..(*t).capacity as u64;
            if range.end - range.start < HashPart::size(hash) as u64 {
                for index in range {
                    let node = HashPart::find_integer(hash, index as i64 + 1);
                    if !node.is_null() {
                        take(node, index as usize);
                    }
                }
                return;
            }
            for position in 0..HashPart::size(hash) {
                let node = HashPart::nodes(hash).add(position);
                let index = (*node).key.wrapping_sub(1);
                if (*node).key_tag == crate::value::INTEGER && range.contains(&index) {
                    take(node, index as usize);
                }
            }
        }
    }

    /// Makes room for elements `1..=count` in the array part.
    ///
    /// # Safety
    /// `t` is a live table of `heap`.
    pub unsafe fn reserve_array(
        heap: &mut Heap,
        t: *mut Table,
        count: usize,
    ) -> Result<(), TableError> {
        // SAFETY: the caller's contract.
        unsafe {
            if count <= (*t).capacity as usize {
                return Ok(());
            }
            if count > MAX_CAPACITY as usize {
                return Err(TableError::Overflow);
            }
            // What is absorbed does not follow the border, or the border would not be one.
            Table::grow_array(heap, t, count as u32)
        }
    }

    /// Frees the array part's block.
    pub(super) unsafe fn free_array(heap: &mut Heap, t: *mut Table) {
        // SAFETY: called with a table, whose block has the layout of its capacity.
        unsafe {
            let capacity = (*t).capacity;
            if let Some(array) = NonNull::new((*t).array) {
                let block = array.sub(shift(t, capacity));
                heap.free_buffer(block.cast(), layout(capacity));
            }
        }
    }
}
