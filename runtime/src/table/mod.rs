//! Tables: an array part, a record part described by a shape, and a hash part.
//!
//! Invariants:
//! - Array part: elements `1..=capacity`, payloads and tags in separate arrays; elements above the
//!   border may be non-nil only if a hole lies between (any border is right, see below).
//! - `border` agrees with itself: `t[border]` is non-nil or border is 0, and `t[border+1]` is nil
//!   in every part.
//! - Record part: slot i holds the value of the i-th key of the table's shape; a cleared field
//!   keeps its slot with nil.
//! - A string key is in the record part or in the hash part, never in both; an integer key in
//!   `1..=capacity` is never in the hash part.
//! - `header.extra` is the shape id; the metatable is a property of the shape.
//! - `header.flags` bit `n` set: as a metatable, this table has no field for fast event `n`
//!   ([`crate::metatable::Event`]); cleared whenever a string key gets a value where nil was.

use crate::gc::GcHeader;
use crate::value::Value;

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
    /// Free for the table's own use.
    pub reserved: u32,
}

pub mod hash;
pub mod shape;
