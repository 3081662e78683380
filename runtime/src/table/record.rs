//! The record part, and everything that is found by the name of a field: string keys, metatables,
//! metamethods.

use super::hash::{HashPart, Node};
use super::shape::{EMPTY_SHAPE, FIRST_USE, MAX_RECORD, NO_SLOT};
use super::{Table, TableError, load, store};
use crate::gc::Heap;
use crate::metatable::{Event, FAST_EVENTS};
use crate::string::LuaString;
use crate::value::{NIL, STRING, Value};
use std::alloc::Layout;
use std::ptr::NonNull;

/// Where a string key was found; what inline caches remember.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lookup {
    /// In this slot of the record part, for every table of this shape. The value may be nil.
    Slot(u32),
    /// In this node of the hash part, for this table, until it is rehashed: check with
    /// [`Table::hash_node`]. The value may be nil.
    HashNode(u32),
    /// Nowhere: for every table of this shape, unless the shape is a dictionary.
    Absent,
}

fn layout(count: usize) -> Layout {
    // SAFETY: record parts have at most `MAX_RECORD` slots.
    unsafe { Layout::from_size_align_unchecked(count * size_of::<Value>(), align_of::<Value>()) }
}

impl Table {
    /// The value of a slot.
    ///
    /// # Safety
    /// `t` is a live table whose shape has that slot.
    #[inline(always)]
    pub unsafe fn slot(t: *const Table, slot: u32) -> Value {
        // SAFETY: the caller's contract.
        unsafe { load((*t).slots.add(slot as usize)) }
    }

    /// Sets the value of a slot. The caller sees to the barrier.
    ///
    /// # Safety
    /// `t` is a live table whose shape has that slot.
    #[inline(always)]
    pub unsafe fn set_slot(t: *mut Table, slot: u32, value: Value) {
        // SAFETY: the caller's contract.
        unsafe {
            let place = (*t).slots.add(slot as usize);
            if (*place).tag == NIL {
                (*t).header.flags = 0;
            }
            store(place, value);
        }
    }

    /// Gives a table the shape `shape`, a child of its shape, and `value` in the new last slot, if
    /// there is room for it. The caller sees to [`Table::barrier_any`].
    ///
    /// # Safety
    /// `t` is a live table, `shape` a child of its shape, not a dictionary, and `slot` its last
    /// slot.
    #[inline(always)]
    pub unsafe fn append_slot(t: *mut Table, shape: u32, slot: u32, value: Value) -> bool {
        // SAFETY: the caller's contract; the slot is below the slot capacity.
        unsafe {
            if slot >= (*t).slot_capacity {
                return false;
            }
            store((*t).slots.add(slot as usize), value);
            (*t).header.extra = shape;
            (*t).header.flags = 0;
            true
        }
    }

    /// Where an interned string key is found.
    ///
    /// # Safety
    /// `t` is a live table of `heap`, and `key` a live interned string.
    #[inline]
    pub unsafe fn lookup_str(heap: &Heap, t: *const Table, key: *const LuaString) -> Lookup {
        // SAFETY: the caller's contract.
        unsafe {
            let shape = (*t).header.extra;
            if let Some(slot) = heap.shapes.find(shape, key) {
                return Lookup::Slot(slot);
            }
            if (*t).hash.is_null() || !heap.shapes.get(shape).is_dictionary() {
                return Lookup::Absent;
            }
            let node = HashPart::find_string((*t).hash, key);
            if node.is_null() {
                return Lookup::Absent;
            }
            Lookup::HashNode(node.offset_from(HashPart::nodes((*t).hash)) as u32)
        }
    }

    /// The node `index` of the hash part, if its key is this string and its value not nil.
    ///
    /// # Safety
    /// `t` is a live table.
    #[inline(always)]
    pub unsafe fn hash_node(
        t: *const Table,
        index: u32,
        key: *const LuaString,
    ) -> Option<*mut Node> {
        // SAFETY: the caller's contract; the index is checked.
        unsafe {
            let hash = (*t).hash;
            if hash.is_null() || index > (*hash).mask {
                return None;
            }
            let node = HashPart::nodes(hash).add(index as usize);
            let same = (*node).key == key as u64 && (*node).key_tag == STRING;
            (same && (*node).value_tag != NIL).then_some(node)
        }
    }

    /// `t[key]`, raw, for an interned string.
    ///
    /// # Safety
    /// `t` is a live table of `heap`, and `key` a live interned string.
    #[inline]
    pub unsafe fn get_str(heap: &Heap, t: *const Table, key: *const LuaString) -> Value {
        // SAFETY: the caller's contract.
        unsafe { Table::get_interned(t, &heap.shapes, key) }
    }

    /// `t[key] = value`, raw, for an interned string. `from_constant`: the key stands in the
    /// program's text (a field name, a constant index); keys that come from data make a table a
    /// dictionary sooner.
    ///
    /// # Safety
    /// `t` is a live table of `heap`, `key` a live interned string, and `value` live.
    #[inline]
    pub unsafe fn set_str(
        heap: &mut Heap,
        t: *mut Table,
        key: *mut LuaString,
        value: Value,
        from_constant: bool,
    ) -> Result<(), TableError> {
        // SAFETY: the caller's contract.
        unsafe {
            let shape = heap.shapes.get((*t).header.extra);
            if shape.is_dictionary() {
                if !(*t).hash.is_null() {
                    let node = HashPart::find_string((*t).hash, key);
                    if !node.is_null() {
                        Table::set_in_node(heap, t, node, value);
                        return Ok(());
                    }
                }
                if value.is_nil() {
                    return Ok(());
                }
                return Table::insert(heap, t, Value::string(key), value);
            }
            if let Some(slot) = shape.find(key) {
                Table::set_slot(t, slot, value);
                Table::barrier(heap, t, value);
                return Ok(());
            }
            if value.is_nil() {
                return Ok(());
            }
            Table::add_str(heap, t, key, value, from_constant)
        }
    }

    /// Adds a string key to a record.
    #[inline(never)]
    unsafe fn add_str(
        heap: &mut Heap,
        t: *mut Table,
        key: *mut LuaString,
        value: Value,
        from_constant: bool,
    ) -> Result<(), TableError> {
        // SAFETY: called with a live table without `key` that is no dictionary.
        unsafe {
            let shape = heap.shapes.add_key((*t).header.extra, key, from_constant)?;
            heap.charge_shapes()?;
            if heap.shapes.get(shape).is_dictionary() {
                let shape = heap.shapes.dictionary(Table::metatable(heap, t))?;
                heap.charge_shapes()?;
                Table::make_dictionary(heap, t, shape, 1)?;
                return Table::insert(heap, t, Value::string(key), value);
            }
            let slot = heap.shapes.get(shape).slot_count as u32 - 1;
            if slot >= (*t).slot_capacity {
                let count = heap.shapes.slots_to_reserve(shape);
                Table::reserve_slots(heap, t, count)?;
            }
            Table::append_slot(t, shape, slot, value);
            Table::barrier_any(heap, t);
            Ok(())
        }
    }

    /// Makes room for `count` slots in the record part.
    ///
    /// # Safety
    /// `t` is a live table of `heap`, and `count <= MAX_RECORD`.
    pub(crate) unsafe fn reserve_slots(
        heap: &mut Heap,
        t: *mut Table,
        count: usize,
    ) -> Result<(), TableError> {
        // SAFETY: the caller's contract; the block has the layout of its capacity.
        unsafe {
            let old = (*t).slot_capacity as usize;
            if count <= old {
                return Ok(());
            }
            let block = match NonNull::new((*t).slots) {
                Some(block) => {
                    heap.reallocate_buffer(block.cast(), layout(old), layout(count).size())?
                }
                None => heap.allocate_buffer(layout(count))?,
            };
            let slots = block.as_ptr().cast::<Value>();
            for slot in old..count {
                slots.add(slot).write(Value::NIL);
            }
            (*t).slots = slots;
            (*t).slot_capacity = count as u32;
        }
        Ok(())
    }

    /// Frees the record part's block.
    pub(super) unsafe fn free_slots(heap: &mut Heap, t: *mut Table) {
        // SAFETY: called with a live table; the block has the layout of its capacity.
        unsafe {
            if let Some(block) = NonNull::new((*t).slots) {
                heap.free_buffer(block.cast(), layout((*t).slot_capacity as usize));
            }
            (*t).slots = std::ptr::null_mut();
            (*t).slot_capacity = 0;
        }
    }

    /// How many bytes the record part takes.
    pub(super) unsafe fn slot_bytes(t: *const Table) -> usize {
        // SAFETY: called with a live table.
        crate::gc::charge::block(layout(unsafe { (*t).slot_capacity } as usize).size())
    }

    /// Moves the fields of a record to the hash part, which gets room for `extra` more keys, and
    /// gives the table the dictionary shape `shape`.
    unsafe fn make_dictionary(
        heap: &mut Heap,
        t: *mut Table,
        shape: u32,
        extra: usize,
    ) -> Result<(), TableError> {
        // SAFETY: called with a live table that is no dictionary. The hash part has room for all
        // fields, and none of them is in it.
        unsafe {
            let old = (*t).header.extra;
            let count = heap.shapes.get(old).slot_count as u32;
            let hidden = heap.shapes.get(old).metatable_slot as u32;
            let live = (0..count).filter(|&slot| slot != hidden && !Table::slot(t, slot).is_nil());
            Table::reserve_hash(heap, t, live.count() + extra)?;
            for slot in 0..count {
                let value = Table::slot(t, slot);
                if slot != hidden && !value.is_nil() {
                    let key = heap.shapes.get(old).key_of(slot);
                    HashPart::insert((*t).hash, Value::string(key), value);
                }
            }
            Table::free_slots(heap, t);
            (*t).header.extra = shape;
            Table::barrier_any(heap, t);
        }
        Ok(())
    }

    /// Prepares a new table for `elements` elements and `fields` string keys, as a constructor's
    /// sizes say.
    ///
    /// # Safety
    /// `t` is a live table of `heap`, and empty.
    pub unsafe fn reserve(
        heap: &mut Heap,
        t: *mut Table,
        elements: usize,
        fields: usize,
    ) -> Result<(), TableError> {
        // SAFETY: the caller's contract.
        unsafe {
            if elements > 0 {
                Table::reserve_array(heap, t, elements)?;
            }
            if fields > MAX_RECORD {
                let metatable = Table::metatable(heap, t);
                let shape = heap.shapes.dictionary(metatable)?;
                heap.charge_shapes()?;
                return Table::make_dictionary(heap, t, shape, fields);
            }
            if fields > 0 && !heap.shapes.get((*t).header.extra).is_dictionary() {
                Table::reserve_slots(heap, t, fields)?;
            }
            Ok(())
        }
    }

    /// Whether a table has, and had, no string keys and no metatable.
    ///
    /// # Safety
    /// `t` is a live table.
    pub(crate) unsafe fn has_no_fields(t: *const Table) -> bool {
        // SAFETY: the caller's contract.
        unsafe { (*t).header.extra == EMPTY_SHAPE }
    }

    /// Gives a table without fields these, all at once. False when that can't be done: it has some, or a
    /// key is there twice; then nothing has changed.
    ///
    /// # Errors
    /// Memory; then it has no fields.
    ///
    /// # Safety
    /// `t` is a live table of `heap`, the keys are live interned strings, and the values are live and not nil.
    pub(crate) unsafe fn set_all_str(
        heap: &mut Heap,
        t: *mut Table,
        keys: &[*mut LuaString],
        values: &[Value],
    ) -> Result<bool, TableError> {
        let fits = !keys.is_empty() && keys.len() <= MAX_RECORD && keys.len() == values.len();
        // SAFETY: the caller's contract; there are as many slots as values.
        unsafe {
            if !fits || !Table::has_no_fields(t) {
                return Ok(false);
            }
            Table::reserve_slots(heap, t, keys.len())?;
            let Some(shape) = heap.shapes.whole(keys)? else {
                return Ok(false);
            };
            heap.charge_shapes()?;
            for (slot, &value) in values.iter().enumerate() {
                store((*t).slots.add(slot), value);
            }
            (*t).header.extra = shape;
            (*t).header.flags = 0;
            Table::barrier_any(heap, t);
            Ok(true)
        }
    }

    /// The metatable; null when none.
    ///
    /// # Safety
    /// `t` is a live table of `heap`.
    #[inline(always)]
    pub unsafe fn metatable(heap: &Heap, t: *const Table) -> *mut Table {
        // SAFETY: the caller's contract.
        unsafe {
            let shape = heap.shapes.get((*t).header.extra);
            if shape.metatable_slot == NO_SLOT {
                return shape.metatable;
            }
            let value = Table::slot(t, shape.metatable_slot as u32);
            value.to_table().unwrap_or(std::ptr::null_mut())
        }
    }

    /// Sets the metatable; null takes it away. Arming a finaliser is the caller's business.
    ///
    /// # Safety
    /// `t` is a live table of `heap`, and `metatable` one or null.
    pub unsafe fn set_metatable(
        heap: &mut Heap,
        t: *mut Table,
        metatable: *mut Table,
    ) -> Result<(), TableError> {
        // SAFETY: the caller's contract.
        unsafe {
            let old = (*t).header.extra;
            if Table::keep_metatable(heap, t, metatable)? {
                return Ok(());
            }
            let shape = heap.shapes.with_metatable(old, metatable)?;
            heap.charge_shapes()?;
            let shapes = &heap.shapes;
            if shapes.get(shape).is_dictionary() && !shapes.get(old).is_dictionary() {
                return Table::make_dictionary(heap, t, shape, 0);
            }
            (*t).header.extra = shape;
            Table::barrier_any(heap, t);
            Ok(())
        }
    }

    /// Keeps a metatable in a slot, if `t` has such a slot or is the first table with this
    /// metatable.
    unsafe fn keep_metatable(
        heap: &mut Heap,
        t: *mut Table,
        metatable: *mut Table,
    ) -> Result<bool, TableError> {
        // SAFETY: called with live tables; slots are below the slot capacity.
        unsafe {
            let shape = heap.shapes.get((*t).header.extra);
            if shape.metatable_slot != NO_SLOT {
                let slot = shape.metatable_slot as u32;
                let value = if metatable.is_null() {
                    Value::NIL
                } else {
                    Value::table(metatable)
                };
                store((*t).slots.add(slot as usize), value);
                Table::barrier_any(heap, t);
                return Ok(true);
            }
            let first = !metatable.is_null()
                && (*metatable).reserved == 0
                && shape.metatable.is_null()
                && !shape.is_dictionary()
                && (shape.slot_count as usize) < MAX_RECORD;
            if !first {
                return Ok(false);
            }
            let key = heap.shapes.metatable_key;
            let shape = heap.shapes.add_key((*t).header.extra, key, true)?;
            heap.charge_shapes()?;
            if heap.shapes.get(shape).is_dictionary() {
                return Ok(false);
            }
            let slot = heap.shapes.get(shape).slot_count as u32 - 1;
            if slot >= (*t).slot_capacity {
                let count = heap.shapes.slots_to_reserve(shape);
                Table::reserve_slots(heap, t, count)?;
            }
            let flags = (*t).header.flags;
            Table::append_slot(t, shape, slot, Value::table(metatable));
            // The key is no event's name: what is known to be absent stays so.
            (*t).header.flags = flags;
            (*metatable).reserved = FIRST_USE;
            Table::barrier_any(heap, t);
            Ok(true)
        }
    }

    /// The field of a metatable for an event; nil when absent. Absence of the first
    /// [`FAST_EVENTS`] events is remembered in the metatable.
    ///
    /// # Safety
    /// `metatable` is a live table of `heap`.
    #[inline(always)]
    pub unsafe fn event(heap: &Heap, metatable: *mut Table, event: Event) -> Value {
        // SAFETY: the caller's contract.
        unsafe {
            let bit = event as u8;
            if bit < FAST_EVENTS && (*metatable).header.flags & (1 << bit) != 0 {
                return Value::NIL;
            }
            Table::event_slow(heap, metatable, event)
        }
    }

    #[inline(never)]
    unsafe fn event_slow(heap: &Heap, metatable: *mut Table, event: Event) -> Value {
        // SAFETY: called with a live table; event names are interned.
        unsafe {
            let value = Table::get_str(heap, metatable, heap.names[event as usize]);
            if value.is_nil() && (event as u8) < FAST_EVENTS {
                (*metatable).header.flags |= 1 << event as u8;
            }
            value
        }
    }

    /// The metamethod of `t` for an event; nil when there is none.
    ///
    /// # Safety
    /// `t` is a live table of `heap`.
    #[inline(always)]
    pub unsafe fn metamethod(heap: &Heap, t: *const Table, event: Event) -> Value {
        // SAFETY: the caller's contract.
        unsafe {
            let metatable = Table::metatable(heap, t);
            if metatable.is_null() {
                return Value::NIL;
            }
            Table::event(heap, metatable, event)
        }
    }
}
