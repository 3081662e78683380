//! Inline caches of field accesses with constant keys.
//!
//! The word after a field access is `tagged shape id (u32) | slot or record (u16) << 32`. An own
//! field's id is plain: one compare finds it. With [`RECORDED`] set, the upper part names a
//! [`CacheRecord`] of the proto: a field inherited through `__index` tables, or the addition of a
//! field. Zero is empty: no shape has id 0.
//!
//! Invariants: caches are weak (the collector clears words and records that name dead shapes or
//! objects before their ids or addresses can be used again); a word is only trusted after its
//! compares, so filling one wrongly costs speed, never correctness.

use crate::function::{LuaClosure, Proto};
use crate::gc::{BLACK, Heap};
use crate::metatable::{Event, STRING_TYPE};
use crate::string::LuaString;
use crate::table::Table;
use crate::table::shape::NO_SLOT;
use crate::value::{NIL, TABLE, Value};
use crate::vm::Vm;

/// Set in the id of a word whose upper part is a record index.
pub const RECORDED: u32 = 1 << 31;
/// How many `__index` steps a cache follows.
const MAX_DEPTH: usize = 8;
/// How many records a proto may have; sites beyond are not cached.
const MAX_RECORDS: usize = 1 << 15;

/// What an inherited or transition cache needs beyond its word.
#[derive(Clone, Copy, Debug)]
pub struct CacheRecord {
    /// Shape id of the receiver.
    pub receiver_shape: u32,
    /// Shape id of the metatable (inherited), or of the table afterwards (transition).
    pub other_shape: u32,
    /// The metatable (inherited); for a transition the metatable or null.
    pub metatable: *mut Table,
    /// Slot of the receiver that holds the metatable; [`NO_SLOT`] when the shape names it.
    pub metatable_slot: u16,
    /// Slot of `__index` in the metatable.
    pub index_slot: u32,
    /// Shape id of the holder.
    pub holder_shape: u32,
    /// The table that `__index` names (inherited); null for a transition.
    pub holder: *mut Table,
    /// The field's slot in the holder, or the added slot.
    pub slot: u32,
    /// Index of the record for the next `__index` step; 0 when the holder has the field.
    pub next: u32,
}

/// The inherited field that `word` knows for a table of this shape.
///
/// # Safety
/// `closure` and `t` are live, `word` is from `closure`'s proto.
#[inline(always)]
pub unsafe fn inherited(
    closure: *mut LuaClosure,
    t: *mut Table,
    word: u64,
) -> Option<*const Value> {
    // SAFETY: records named by a word exist; their tables are live (module invariant).
    unsafe {
        if word as u32 != (*t).header.extra | RECORDED {
            return None;
        }
        let records = (*(*closure).proto).cache_records.as_ptr();
        let mut record = records.add((word >> 32) as u16 as usize);
        let mut receiver = t;
        loop {
            let metatable = metatable_for(record, receiver);
            if metatable.is_null() || (*metatable).header.extra != (*record).other_shape {
                return None;
            }
            let index = (*metatable).slots.add((*record).index_slot as usize);
            let holder = (*record).holder;
            if (*index).payload != holder as u64
                || (*index).tag != TABLE
                || (*holder).header.extra != (*record).holder_shape
            {
                return None;
            }
            if (*record).next == 0 {
                let slot = (*holder).slots.add((*record).slot as usize);
                return if (*slot).tag == NIL { None } else { Some(slot) };
            }
            record = records.add((*record).next as usize);
            receiver = holder;
        }
    }
}

/// The metatable of `t`, whose shape is the receiver shape of `record`; null when it has none.
#[inline(always)]
unsafe fn metatable_for(record: *const CacheRecord, t: *const Table) -> *mut Table {
    // SAFETY: the caller passes a live record and table; the shape has that slot.
    unsafe {
        if (*record).metatable_slot == NO_SLOT {
            return (*record).metatable;
        }
        let slot = (*t).slots.add((*record).metatable_slot as usize);
        if (*slot).tag == TABLE {
            (*slot).as_pointer()
        } else {
            std::ptr::null_mut()
        }
    }
}

/// Adds the field that `word` knows as a transition; false when it does not apply.
///
/// # Safety
/// As [`inherited`].
#[inline(always)]
pub unsafe fn add_field(closure: *mut LuaClosure, t: *mut Table, word: u64, v: Value) -> bool {
    // SAFETY: as `inherited`; the slot is below the table's slot capacity.
    unsafe {
        if word as u32 != (*t).header.extra | RECORDED {
            return false;
        }
        let record = (*(*closure).proto)
            .cache_records
            .as_ptr()
            .add((word >> 32) as u16 as usize);
        let metatable = metatable_for(record, t);
        if !(*record).holder.is_null()
            || (*record).slot >= (*t).slot_capacity
            || (*t).header.mark & BLACK != 0
            || v.tag == NIL
            || (!metatable.is_null()
                && (*metatable).header.flags & (1 << Event::NewIndex as u8) == 0)
        {
            return false;
        }
        let slot = (*t).slots.add((*record).slot as usize);
        (*slot).payload = v.payload;
        (*slot).tag = v.tag;
        (*t).header.extra = (*record).other_shape;
        (*t).header.flags = 0;
        true
    }
}

/// The table in which methods of strings are looked up (`__index` of their metatable); null when
/// it is not known or no table.
///
/// # Safety
/// `vm` is live.
#[inline(always)]
pub unsafe fn string_methods(vm: *const Vm) -> *mut Table {
    // SAFETY: the caller's contract; a table of that shape has that slot.
    unsafe {
        let metatable = (*vm).type_metatables[STRING_TYPE];
        let (shape, slot) = (*vm).string_index;
        if metatable.is_null() || (*metatable).header.extra != shape || shape == 0 {
            return std::ptr::null_mut();
        }
        let index = (*metatable).slots.add(slot as usize);
        if (*index).tag == TABLE {
            (*index).as_pointer()
        } else {
            std::ptr::null_mut()
        }
    }
}

/// Fills the cache word at `place` of a method call of a string.
///
/// # Safety
/// As [`fill_read`].
pub unsafe fn fill_string_method(
    vm: *mut Vm,
    proto: *mut Proto,
    place: *mut u64,
    key: *mut LuaString,
) {
    // SAFETY: the caller's contract.
    unsafe {
        let metatable = (*vm).type_metatables[STRING_TYPE];
        if metatable.is_null() {
            return;
        }
        let heap = &(*vm).heap;
        let shape = (*metatable).header.extra;
        let name = heap.names[Event::Index as usize];
        let Some(slot) = heap.shapes.find(shape, name) else {
            return;
        };
        (*vm).string_index = (shape, slot);
        let methods = string_methods(vm);
        if !methods.is_null() {
            fill_read(heap, proto, place, methods, key);
        }
    }
}

/// Whether `t` has a metatable.
///
/// # Safety
/// `vm` and `t` are live.
#[inline(always)]
pub unsafe fn may_have_metatable(vm: *const Vm, t: *const Table) -> bool {
    // SAFETY: the caller's contract.
    unsafe { !Table::metatable(&(*vm).heap, t).is_null() }
}

/// Fills the cache word at `place` after a read of `key` from `t` found it.
///
/// # Safety
/// All pointers are live; `place` is the cache word of an instruction of `proto`; `key` is a string.
pub unsafe fn fill_read(
    heap: &Heap,
    proto: *mut Proto,
    place: *mut u64,
    t: *mut Table,
    key: *mut LuaString,
) {
    // SAFETY: the caller's contract.
    unsafe {
        if !LuaString::is_interned(key) {
            return;
        }
        let shape = (*t).header.extra;
        if let Some(slot) = heap.shapes.find(shape, key) {
            if slot <= u16::MAX as u32 {
                *place = shape as u64 | (slot as u64) << 32;
            }
            return;
        }
        let mut chain: Vec<CacheRecord> = Vec::new();
        let mut current = t;
        while chain.len() < MAX_DEPTH {
            let shape = heap.shapes.get((*current).header.extra);
            let metatable = Table::metatable(heap, current);
            // A dictionary may hold the key itself without its shape showing it.
            if metatable.is_null() || shape.is_dictionary() {
                return;
            }
            let metatable_shape = (*metatable).header.extra;
            let name = heap.names[Event::Index as usize];
            let Some(index_slot) = heap.shapes.find(metatable_shape, name) else {
                return;
            };
            let index = *(*metatable).slots.add(index_slot as usize);
            let Some(holder) = index.to_table() else {
                return;
            };
            let holder_shape = (*holder).header.extra;
            let found = heap.shapes.find(holder_shape, key);
            chain.push(CacheRecord {
                receiver_shape: (*current).header.extra,
                other_shape: metatable_shape,
                metatable: if shape.metatable_slot == NO_SLOT {
                    metatable
                } else {
                    std::ptr::null_mut()
                },
                metatable_slot: shape.metatable_slot,
                index_slot,
                holder_shape,
                holder,
                slot: found.unwrap_or(0),
                next: 0,
            });
            if found.is_some() {
                if let Some(first) = store_chain(proto, place, &chain) {
                    *place = (shape_of(t) | RECORDED) as u64 | (first as u64) << 32;
                }
                return;
            }
            current = holder;
        }
    }
}

unsafe fn shape_of(t: *mut Table) -> u32 {
    // SAFETY: the caller passes a live table.
    unsafe { (*t).header.extra }
}

/// Stores a chain of records, over the site's old record when it has one.
unsafe fn store_chain(proto: *mut Proto, place: *mut u64, chain: &[CacheRecord]) -> Option<usize> {
    // SAFETY: the caller passes a live proto and one of its cache words.
    unsafe {
        let records = &mut (*proto).cache_records;
        if records.is_empty() {
            // Index 0 means "no next record".
            records.push(EMPTY);
        }
        let mut next = 0;
        for (depth, record) in chain.iter().enumerate().rev() {
            let record = CacheRecord { next, ..*record };
            let word = *place;
            let old = (word as u32 & RECORDED != 0).then_some((word >> 32) as u16 as usize);
            if depth == 0
                && let Some(old) = old
                && old > 0
                && old < records.len()
            {
                records[old] = record;
                return Some(old);
            }
            if records.len() >= MAX_RECORDS {
                return None;
            }
            records.push(record);
            next = (records.len() - 1) as u32;
        }
        Some(next as usize)
    }
}

const EMPTY: CacheRecord = CacheRecord {
    receiver_shape: 0,
    other_shape: 0,
    metatable: std::ptr::null_mut(),
    metatable_slot: NO_SLOT,
    index_slot: 0,
    holder_shape: 0,
    holder: std::ptr::null_mut(),
    slot: 0,
    next: 0,
};

/// Fills the cache word at `place` after a write of `key` to `t`, whose shape was `old_shape`.
///
/// # Safety
/// As [`fill_read`].
pub unsafe fn fill_write(
    heap: &Heap,
    proto: *mut Proto,
    place: *mut u64,
    t: *mut Table,
    key: *mut LuaString,
    old_shape: u32,
) {
    // SAFETY: the caller's contract.
    unsafe {
        if !LuaString::is_interned(key) {
            return;
        }
        let shape = (*t).header.extra;
        let Some(slot) = heap.shapes.find(shape, key) else {
            return;
        };
        if slot > u16::MAX as u32 {
            return;
        }
        if shape == old_shape {
            *place = shape as u64 | (slot as u64) << 32;
            return;
        }
        let record = CacheRecord {
            receiver_shape: old_shape,
            other_shape: shape,
            metatable: heap.shapes.get(shape).metatable,
            metatable_slot: heap.shapes.get(shape).metatable_slot,
            index_slot: 0,
            holder_shape: 0,
            holder: std::ptr::null_mut(),
            slot,
            next: 0,
        };
        if let Some(index) = store_chain(proto, place, &[record]) {
            *place = (old_shape | RECORDED) as u64 | (index as u64) << 32;
        }
    }
}
