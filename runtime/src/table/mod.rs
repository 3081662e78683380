//! Tables: an array part, a record part described by a shape, and a hash part.
//!
//! Everything works on raw pointers: tables are shared and mutable, and the collector decides how
//! long they live. Every function requires that the table is live and belongs to the heap given.
//!
//! Invariants:
//! - Array part: elements `1..=capacity`, payloads and tags in separate arrays (of one block);
//!   elements above the border may be non-nil only if a hole lies between (any border is right,
//!   see below). Payloads are initialised, also those of nil elements.
//! - `border` agrees with itself: `t[border]` is non-nil or border is 0, and `t[border+1]` is nil
//!   in every part.
//! - Record part: slot i holds the value of the i-th key of the table's shape; a cleared field
//!   keeps its slot with nil.
//! - An interned string key is in the record part, or, if the shape is a dictionary, in the hash
//!   part. An integer key in `1..=capacity` has no live value in the hash part.
//! - `header.extra` is the shape id; the metatable is a property of the shape.
//! - `header.flags` bit `n` set: as a metatable, this table has no field for fast event `n`
//!   ([`crate::metatable::Event`]); cleared whenever a string key gets a value where nil was.
//! - Storing nil never changes layout, shape or capacity. Parts change their layout only when a
//!   key is inserted that was absent. So traversals may clear fields.
//! - When an operation fails for want of memory, the table is as before, or differs only in how
//!   its content is laid out.

mod array;
mod check;
mod collect;
pub mod hash;
mod keys;
mod list;
mod next;
mod record;
mod rehash;
pub mod shape;
#[cfg(test)]
mod tests;

pub use next::InvalidKey;
pub use record::Lookup;

use crate::error::LuaError;
use crate::gc::{GcHeader, Heap};
use crate::string::LuaString;
use crate::value::{FLOAT, INTEGER, NIL, STRING, Value};
use hash::HashPart;
pub use hash::Node;

/// A Lua table; see the module's invariants.
#[repr(C)]
pub struct Table {
    /// Collector's header; `extra` is the shape id, `flags` the absent-event cache.
    pub header: GcHeader,
    /// Record part: values by shape slot.
    pub slots: *mut Value,
    /// Array part: payloads.
    pub array: *mut u64,
    /// Array part: tags.
    pub tags: *mut u8,
    /// A border (manual §3.4.7) that lies within the array part.
    pub border: u32,
    /// How many elements the array part has room for.
    pub capacity: u32,
    /// Hash part; null when empty.
    pub hash: *mut hash::HashPart,
    /// How many slots `slots` has room for.
    pub slot_capacity: u32,
    /// Id of a shape of tables that have this table as metatable; see [`shape`].
    pub reserved: u32,
}

/// Why a key or value could not be stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TableError {
    /// The key is nil: "table index is nil".
    NilKey,
    /// The key is NaN: "table index is NaN".
    NaNKey,
    /// No memory.
    Memory,
    /// The table would have too many elements: "table overflow".
    Overflow,
}

impl From<LuaError> for TableError {
    /// What the heap's functions fail with: no memory.
    fn from(_: LuaError) -> TableError {
        TableError::Memory
    }
}

/// Reads a value field by field.
#[inline(always)]
pub(crate) unsafe fn load(place: *const Value) -> Value {
    // SAFETY: called with an initialised place.
    unsafe {
        Value {
            payload: (*place).payload,
            tag: (*place).tag,
        }
    }
}

/// Writes a value field by field.
#[inline(always)]
pub(crate) unsafe fn store(place: *mut Value, value: Value) {
    // SAFETY: called with a valid place.
    unsafe {
        (*place).payload = value.payload;
        (*place).tag = value.tag;
    }
}

/// The integer that a float key stands for, if it does for one.
#[inline]
pub(crate) fn float_to_integer_key(f: f64) -> Option<i64> {
    let integer = f as i64;
    // The upper bound excludes 2^63, which `as` saturates.
    (integer as f64 == f && f < 9_223_372_036_854_775_808.0).then_some(integer)
}

impl Table {
    /// Tells the collector that a reference to `value` was stored in `t`.
    ///
    /// # Safety
    /// `t` is a live table of `heap`.
    #[inline(always)]
    pub unsafe fn barrier(heap: &mut Heap, t: *mut Table, value: Value) {
        // SAFETY: the caller's contract.
        unsafe {
            if value.is_object() && (*t).header.is_black() {
                heap.barrier_back(t.cast());
            }
        }
    }

    /// Tells the collector that `t` got a key or another shape.
    ///
    /// # Safety
    /// `t` is a live table of `heap`.
    #[inline(always)]
    pub unsafe fn barrier_any(heap: &mut Heap, t: *mut Table) {
        // SAFETY: the caller's contract.
        unsafe {
            if (*t).header.is_black() {
                heap.barrier_back(t.cast());
            }
        }
    }

    /// `t[key]`, raw.
    ///
    /// # Safety
    /// `t` is a live table of `heap`, and `key` live.
    #[inline]
    pub unsafe fn get(heap: &Heap, t: *const Table, key: Value) -> Value {
        // SAFETY: the caller's contract.
        unsafe {
            match key.tag {
                INTEGER => Table::get_int(t, key.as_integer()),
                STRING if LuaString::is_interned(key.as_pointer()) => {
                    Table::get_str(heap, t, key.as_pointer())
                }
                _ => Table::get_other(heap, t, key),
            }
        }
    }

    #[inline(never)]
    unsafe fn get_other(heap: &Heap, t: *const Table, key: Value) -> Value {
        // SAFETY: the caller's contract.
        unsafe {
            match key.tag {
                NIL => return Value::NIL,
                FLOAT => {
                    if let Some(integer) = float_to_integer_key(key.as_float()) {
                        return Table::get_int(t, integer);
                    }
                }
                _ => {}
            }
            let node = HashPart::find(heap, (*t).hash, key);
            if node.is_null() {
                Value::NIL
            } else {
                Node::value(node)
            }
        }
    }

    /// The node of the hash part that has the key; null when there is none: fields of tables that are no
    /// dictionaries and elements of the array part have none.
    ///
    /// # Safety
    /// `t` is a live table of `heap`; `key` is live.
    pub unsafe fn find_node(heap: &Heap, t: *const Table, key: Value) -> *mut Node {
        // SAFETY: the caller's contract.
        unsafe {
            let key = match key.tag {
                NIL => return std::ptr::null_mut(),
                FLOAT => match float_to_integer_key(key.as_float()) {
                    Some(integer) => Value::integer(integer),
                    None => key,
                },
                STRING if !heap.shapes.get((*t).header.extra).is_dictionary() => {
                    if LuaString::is_interned(key.as_pointer()) {
                        return std::ptr::null_mut();
                    }
                    key
                }
                _ => key,
            };
            HashPart::find(heap, (*t).hash, key)
        }
    }

    /// `t[key] = value`, raw. `from_constant`: the key stands in the program's text (see
    /// [`Table::set_str`]).
    ///
    /// # Safety
    /// `t` is a live table of `heap`; `key` and `value` are live.
    #[inline]
    pub unsafe fn set(
        heap: &mut Heap,
        t: *mut Table,
        key: Value,
        value: Value,
    ) -> Result<(), TableError> {
        // SAFETY: the caller's contract.
        unsafe {
            match key.tag {
                INTEGER => Table::set_int(heap, t, key.as_integer(), value),
                STRING if LuaString::is_interned(key.as_pointer()) => {
                    Table::set_str(heap, t, key.as_pointer(), value, false)
                }
                _ => Table::set_other(heap, t, key, value),
            }
        }
    }

    #[inline(never)]
    unsafe fn set_other(
        heap: &mut Heap,
        t: *mut Table,
        key: Value,
        value: Value,
    ) -> Result<(), TableError> {
        // SAFETY: the caller's contract.
        unsafe {
            match key.tag {
                NIL => return Err(TableError::NilKey),
                FLOAT => {
                    let float = key.as_float();
                    if let Some(integer) = float_to_integer_key(float) {
                        return Table::set_int(heap, t, integer, value);
                    }
                    if float.is_nan() {
                        return Err(TableError::NaNKey);
                    }
                }
                _ => {}
            }
            Table::set_in_hash(heap, t, key, value)
        }
    }

    /// Stores under a key that can only be in the hash part.
    pub(super) unsafe fn set_in_hash(
        heap: &mut Heap,
        t: *mut Table,
        key: Value,
        value: Value,
    ) -> Result<(), TableError> {
        // SAFETY: the caller's contract.
        unsafe {
            let node = HashPart::find(heap, (*t).hash, key);
            if !node.is_null() {
                Table::set_in_node(heap, t, node, value);
                return Ok(());
            }
            if value.is_nil() {
                return Ok(());
            }
            if key.tag == STRING {
                heap.hash_string(key.as_pointer());
            }
            Table::insert(heap, t, key, value)
        }
    }

    /// Gives a node of the hash part another value.
    #[inline(always)]
    unsafe fn set_in_node(heap: &mut Heap, t: *mut Table, node: *mut Node, value: Value) {
        // SAFETY: called with a node of the live table.
        unsafe {
            let revived = (*node).value_tag == NIL;
            Node::set_value(node, value);
            if revived {
                (*t).header.flags = 0;
                // Nothing keeps the key of a dead node alive.
                Table::barrier_any(heap, t);
            } else {
                Table::barrier(heap, t, value);
            }
        }
    }
}
