//! Tables in the collector: strong ones, and weak ones: weak values, weak keys (ephemerons), both.
//!
//! While marking goes on in steps, weak tables are only put off (they stay gray) and are visited
//! in the atomic part, where one of three lists takes each that may have to be cleared. A table
//! that fits in no list for want of memory is treated as strong in this cycle.
//!
//! Strings are values: they are never removed from weak tables. So the keys of the record part are
//! always strong.

use super::heap::Heap;
use super::mark::{is_cleared, push};
use super::{GcHeader, Roots, charge};
use crate::metatable::Event;
use crate::string::LuaString;
use crate::table::Table;
use crate::table::hash::{HashPart, Node};
use crate::value::{NIL, STRING, Value};

/// Weak tables met in the atomic part.
#[derive(Debug, Default)]
pub(crate) struct WeakLists {
    /// Weak values, strong keys.
    pub(crate) values: Vec<*mut Table>,
    /// Weak keys, strong values: with an entry whose key and value are white.
    pub(crate) ephemerons: Vec<*mut Table>,
    /// Weak keys and values, and weak keys without an entry whose key and value are white.
    pub(crate) both: Vec<*mut Table>,
    /// Takes the place of `ephemerons` while that list is gone through.
    spare: Vec<*mut Table>,
}

impl WeakLists {
    pub(crate) fn clear(&mut self) {
        self.values.clear();
        self.ephemerons.clear();
        self.both.clear();
        self.spare.clear();
    }

    /// How many tables have weak values, and how many both.
    pub(crate) fn lengths(&self) -> (usize, usize) {
        (self.values.len(), self.both.len())
    }

    /// Bytes of the lists themselves.
    pub(crate) fn bytes(&self) -> usize {
        [&self.values, &self.ephemerons, &self.both, &self.spare]
            .iter()
            .map(|list| charge::list::<*mut Table>(list.capacity()))
            .sum()
    }

    /// Gives back all memory.
    pub(crate) fn release(&mut self) {
        *self = WeakLists::default();
    }
}

/// What is weak in a table.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Weakness {
    Strong,
    Values,
    Keys,
    Both,
}

/// What a metatable's `__mode` says.
unsafe fn weakness(this: *const Heap, metatable: *mut Table) -> Weakness {
    // SAFETY: the caller passes a live heap, and null or a live table.
    unsafe {
        if metatable.is_null() || (*metatable).header.flags & (1 << Event::Mode as u8) != 0 {
            return Weakness::Strong;
        }
        let name = (&(*this).names)[Event::Mode as usize];
        let mode = Table::get_interned(metatable, &(*this).shapes, name);
        if mode.tag != STRING {
            return Weakness::Strong;
        }
        let mode = LuaString::as_bytes(mode.as_pointer());
        match (mode.contains(&b'k'), mode.contains(&b'v')) {
            (false, false) => Weakness::Strong,
            (false, true) => Weakness::Values,
            (true, false) => Weakness::Keys,
            (true, true) => Weakness::Both,
        }
    }
}

impl Heap {
    /// Visits a table that has just turned black; returns how much work it was.
    ///
    /// # Safety
    /// `this` is a live heap that is marking, `table` a live table of it.
    pub(crate) unsafe fn traverse_table(this: *mut Heap, table: *mut Table) -> usize {
        // SAFETY: the caller's contract.
        unsafe {
            let shape = (*table).header.extra;
            (*this)
                .shapes
                .mark(shape, |object| Heap::mark_object(this, object));
            let shape = (*this).shapes.get(shape);
            let slots = u32::from(shape.slot_count);
            let metatable = Table::metatable(&*this, table);
            if !metatable.is_null() {
                // One that is kept in a slot is no value of the table: it is never weak.
                Heap::mark_pointer(this, metatable);
            }
            let atomic = (*this).pacing.atomic;
            match weakness(this, metatable) {
                Weakness::Strong => Heap::traverse_strong(this, table, slots),
                Weakness::Values => {
                    let has_cleared = Heap::traverse_weak_values(this, table, slots);
                    if !atomic {
                        Heap::put_off(this, table);
                    } else if has_cleared {
                        let list = &raw mut (*this).weak.values;
                        if !push(this, list, table) {
                            Heap::traverse_strong(this, table, slots);
                        }
                    }
                }
                Weakness::Keys => {
                    Heap::traverse_ephemeron(this, table, slots, false);
                }
                Weakness::Both => {
                    if !atomic {
                        Heap::put_off(this, table);
                    } else {
                        let list = &raw mut (*this).weak.both;
                        if !push(this, list, table) {
                            Heap::traverse_strong(this, table, slots);
                        }
                    }
                }
            }
            1 + (*table).capacity as usize + slots as usize + 2 * Table::hash_size(table)
        }
    }

    /// Leaves a weak table to the atomic part.
    unsafe fn put_off(this: *mut Heap, table: *mut Table) {
        // SAFETY: the caller passes a live heap and table.
        unsafe {
            (*table).header.set_colour(0);
            Heap::push_gray_again(this, table.cast());
        }
    }

    unsafe fn traverse_strong(this: *mut Heap, table: *mut Table, slots: u32) {
        // SAFETY: the caller passes a live heap and table.
        unsafe {
            Heap::mark_array_and_slots(this, table, slots);
            let size = Table::hash_size(table);
            if size == 0 {
                return;
            }
            let nodes = HashPart::nodes((*table).hash);
            for index in 0..size {
                let node = nodes.add(index);
                if (*node).value_tag == NIL {
                    Table::kill_hash_key(table, index);
                } else {
                    Heap::mark_value(this, Node::key(node));
                    Heap::mark_value(this, Node::value(node));
                }
            }
        }
    }

    unsafe fn mark_array_and_slots(this: *mut Heap, table: *mut Table, slots: u32) {
        /// Added to eight tags at once, sets the top bit of each that is an object's.
        const OBJECTS: u64 = 0x0101_0101_0101_0101 * (0x80 - STRING as u64);
        const TOP_BITS: u64 = 0x8080_8080_8080_8080;
        // SAFETY: the caller passes a live heap and table; array and tags have `capacity`
        // elements, the record part as many as the shape has slots.
        unsafe {
            let (payloads, tags) = ((*table).array, (*table).tags);
            let capacity = (*table).capacity as usize;
            let mut index = 0;
            while index < capacity {
                let end = (index + 8).min(capacity);
                // Arrays of numbers are common and long.
                if end - index == 8 {
                    let eight = tags.add(index).cast::<u64>().read_unaligned();
                    if (eight + OBJECTS) & TOP_BITS == 0 {
                        index = end;
                        continue;
                    }
                }
                while index < end {
                    if *tags.add(index) >= STRING {
                        Heap::mark_object(this, *payloads.add(index) as *mut GcHeader);
                    }
                    index += 1;
                }
            }
            let record = (*table).slots;
            for slot in 0..slots as usize {
                Heap::mark_value(this, *record.add(slot));
            }
        }
    }

    /// Marks the keys; whether there may be values to clear.
    unsafe fn traverse_weak_values(this: *mut Heap, table: *mut Table, slots: u32) -> bool {
        // SAFETY: the caller passes a live heap and table.
        unsafe {
            let mut has_cleared = (*table).capacity > 0;
            for slot in 0..slots {
                has_cleared |= is_cleared(Table::slot(table, slot));
            }
            for index in 0..Table::hash_size(table) {
                let value = Table::hash_value(table, index);
                if value.is_nil() {
                    Table::kill_hash_key(table, index);
                } else {
                    Heap::mark_value(this, Table::hash_key(table, index));
                    has_cleared |= is_cleared(value);
                }
            }
            has_cleared
        }
    }

    /// Marks the values of marked keys and lists the table as needed; whether it marked any.
    /// `backwards` goes through the hash part from its end, which helps long chains in one table.
    unsafe fn traverse_ephemeron(
        this: *mut Heap,
        table: *mut Table,
        slots: u32,
        backwards: bool,
    ) -> bool {
        // SAFETY: the caller passes a live heap and table.
        unsafe {
            let mut has_cleared = false;
            let mut has_white_pair = false;
            let mut marked = false;
            // Their keys are numbers and strings, so these values are strong.
            Heap::mark_array_and_slots(this, table, slots);
            let size = Table::hash_size(table);
            for step in 0..size {
                let index = if backwards { size - 1 - step } else { step };
                let value = Table::hash_value(table, index);
                let is_white = value.is_object() && (*value.as_header()).is_white();
                if value.is_nil() {
                    Table::kill_hash_key(table, index);
                } else if is_cleared(Table::hash_key(table, index)) {
                    has_cleared = true;
                    has_white_pair |= is_white;
                } else if is_white {
                    marked = true;
                    Heap::mark_object(this, value.as_header());
                }
            }
            if !(*this).pacing.atomic {
                Heap::put_off(this, table);
            } else if has_cleared {
                let list = if has_white_pair {
                    &raw mut (*this).weak.ephemerons
                } else {
                    &raw mut (*this).weak.both
                };
                if !push(this, list, table) {
                    Heap::traverse_strong(this, table, slots);
                    marked = true;
                }
            }
            marked
        }
    }

    /// Visits ephemeron tables until nothing more gets marked.
    ///
    /// # Safety
    /// As [`Heap::atomic`], within it.
    pub(crate) unsafe fn converge_ephemerons<R: Roots>(
        this: *mut Heap,
        roots: *mut R,
        thread_index: &mut usize,
    ) -> usize {
        let mut work = 0;
        let mut backwards = false;
        // SAFETY: the caller's contract.
        unsafe {
            loop {
                let mut changed = false;
                let spare = std::mem::take(&mut (*this).weak.spare);
                let list = std::mem::replace(&mut (*this).weak.ephemerons, spare);
                for &table in &list {
                    let shape = (*this).shapes.get((*table).header.extra);
                    let slots = u32::from(shape.slot_count);
                    work += Table::hash_size(table);
                    if Heap::traverse_ephemeron(this, table, slots, backwards) {
                        work += Heap::propagate_all(this, roots, thread_index);
                        changed = true;
                    }
                }
                (*this).weak.spare = list;
                (*this).weak.spare.clear();
                backwards = !backwards;
                if !changed {
                    return work;
                }
            }
        }
    }

    /// Clears dead values in the listed tables with weak values, from the given positions on.
    pub(crate) fn clear_weak_values(&mut self, values_from: usize, both_from: usize) {
        for &table in self.weak.values[values_from..]
            .iter()
            .chain(&self.weak.both[both_from..])
        {
            // SAFETY: listed tables are live, and nothing has been freed since marking.
            unsafe {
                let slots = self.shapes.get((*table).header.extra).slot_count;
                clear_values(table, u32::from(slots));
            }
        }
    }

    /// Clears entries with dead keys in the listed tables with weak keys.
    pub(crate) fn clear_weak_keys(&mut self) {
        for &table in self.weak.ephemerons.iter().chain(&self.weak.both) {
            // SAFETY: listed tables are live, and nothing has been freed since marking.
            unsafe {
                for index in 0..Table::hash_size(table) {
                    if is_cleared(Table::hash_key(table, index)) {
                        Table::clear_hash_value(table, index);
                    }
                    if Table::hash_value(table, index).is_nil() {
                        Table::kill_hash_key(table, index);
                    }
                }
            }
        }
    }
}

/// Sets dead values of a table to nil.
unsafe fn clear_values(table: *mut Table, slots: u32) {
    // SAFETY: the caller passes a live table of so many slots; nothing has been freed since
    // marking.
    unsafe {
        for slot in 0..slots {
            if is_cleared(Table::slot(table, slot)) {
                *(*table).slots.add(slot as usize) = Value::NIL;
            }
        }
        for index in 0..(*table).capacity as usize {
            let value = Value {
                payload: *(*table).array.add(index),
                tag: *(*table).tags.add(index),
            };
            if is_cleared(value) {
                *(*table).tags.add(index) = NIL;
            }
        }
        // The border must again be an element that is not nil.
        while (*table).border > 0 && *(*table).tags.add((*table).border as usize - 1) == NIL {
            (*table).border -= 1;
        }
        for index in 0..Table::hash_size(table) {
            if is_cleared(Table::hash_value(table, index)) {
                Table::clear_hash_value(table, index);
            }
            if Table::hash_value(table, index).is_nil() {
                Table::kill_hash_key(table, index);
            }
        }
    }
}
