//! Traversal: array part, then record part, then hash part.
//!
//! A *cursor* is a position in that order: 0 is before everything, `1..=capacity` are elements,
//! then come slots, then nodes. It stays valid while no absent key is inserted, and is only ever
//! an index that is checked, so that a program that does insert meets wrong keys at worst.

use super::hash::{HashPart, Node};
use super::{Table, float_to_integer_key};
use crate::gc::Heap;
use crate::string::LuaString;
use crate::value::{FLOAT, INTEGER, NIL, STRING, Value};

/// The key given to `next` is not in the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InvalidKey;

impl Table {
    /// The first entry after `cursor` whose value is not nil; `cursor` moves to it.
    ///
    /// # Safety
    /// `t` is a live table of `heap`.
    #[inline]
    pub unsafe fn next_index(
        heap: &Heap,
        t: *const Table,
        cursor: &mut u64,
    ) -> Option<(Value, Value)> {
        // SAFETY: the caller's contract; indices are checked against the parts' sizes.
        unsafe {
            let capacity = (*t).capacity as u64;
            let mut at = *cursor;
            while at < capacity {
                let tag = *(*t).tags.add(at as usize);
                at += 1;
                if tag != NIL {
                    *cursor = at;
                    let payload = *(*t).array.add(at as usize - 1);
                    return Some((Value::integer(at as i64), Value { payload, tag }));
                }
            }
            Table::next_after_array(heap, t, at, cursor)
        }
    }

    unsafe fn next_after_array(
        heap: &Heap,
        t: *const Table,
        from: u64,
        cursor: &mut u64,
    ) -> Option<(Value, Value)> {
        // SAFETY: as above.
        unsafe {
            let capacity = (*t).capacity as u64;
            let mut at = from - capacity;
            let shape = heap.shapes.get((*t).header.extra);
            let slots = shape.slot_count as u64;
            while at < slots {
                let slot = at as u32;
                let value = Table::slot(t, slot);
                at += 1;
                if !value.is_nil() && slot != shape.metatable_slot as u32 {
                    *cursor = capacity + at;
                    return Some((Value::string(shape.key_of(slot)), value));
                }
            }
            if (*t).hash.is_null() {
                return None;
            }
            at -= slots;
            let size = HashPart::size((*t).hash) as u64;
            while at < size {
                let node = HashPart::nodes((*t).hash).add(at as usize);
                at += 1;
                if (*node).value_tag != NIL {
                    *cursor = capacity + slots + at;
                    return Some((Node::key(node), Node::value(node)));
                }
            }
            None
        }
    }

    /// The cursor at `key`: 0 for nil. The key may have been cleared, and may have died since.
    ///
    /// # Safety
    /// `t` is a live table of `heap`, and `key` live.
    pub unsafe fn index_of_key(
        heap: &Heap,
        t: *const Table,
        key: Value,
    ) -> Result<u64, InvalidKey> {
        // SAFETY: the caller's contract.
        unsafe {
            let mut key = key;
            if key.tag == NIL {
                return Ok(0);
            }
            if key.tag == FLOAT
                && let Some(integer) = float_to_integer_key(key.as_float())
            {
                key = Value::integer(integer);
            }
            let capacity = (*t).capacity as u64;
            if key.tag == INTEGER && key.payload.wrapping_sub(1) < capacity {
                return Ok(key.payload);
            }
            let shape = heap.shapes.get((*t).header.extra);
            if key.tag == STRING
                && LuaString::is_interned(key.as_pointer())
                && let Some(slot) = shape.find(key.as_pointer())
            {
                return Ok(capacity + slot as u64 + 1);
            }
            let node = HashPart::find_for_next(heap, (*t).hash, key);
            if node.is_null() {
                return Err(InvalidKey);
            }
            let index = node.offset_from(HashPart::nodes((*t).hash)) as u64;
            Ok(capacity + shape.slot_count as u64 + index + 1)
        }
    }

    /// The entry after `key` (manual §6.1, `next`).
    ///
    /// # Safety
    /// `t` is a live table of `heap`, and `key` live.
    pub unsafe fn next(
        heap: &Heap,
        t: *const Table,
        key: Value,
    ) -> Result<Option<(Value, Value)>, InvalidKey> {
        // SAFETY: the caller's contract.
        unsafe {
            let mut cursor = Table::index_of_key(heap, t, key)?;
            Ok(Table::next_index(heap, t, &mut cursor))
        }
    }
}
