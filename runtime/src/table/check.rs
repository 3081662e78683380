//! Verifies the invariants of tables, for tests and the whole-heap checker.

use super::Table;
use super::hash::{HashPart, Node, fits_array};
use super::shape::FIRST_USE;
use crate::gc::Heap;
use crate::metatable::{Event, FAST_EVENTS};
use crate::string::{HASHED, LuaString};
use crate::value::{CELL, DEAD_KEY, FLOAT, INTEGER, NIL, STRING, Value};

impl Table {
    /// Verifies the module's invariants; the text of the first violation otherwise.
    ///
    /// # Safety
    /// `t` is a table of `heap` whose memory may be read as one.
    pub unsafe fn check(heap: &Heap, t: *const Table) -> Result<(), String> {
        // SAFETY: the caller's contract.
        unsafe {
            Table::check_array(t)?;
            Table::check_record(heap, t)?;
            if !(*t).hash.is_null() {
                Table::check_hash(heap, t)?;
            }
            for &event in &Event::ALL[..FAST_EVENTS as usize] {
                let cached = (*t).header.flags & (1 << event as u8) != 0;
                let name = heap.names[event as usize];
                if cached && !Table::get_str(heap, t, name).is_nil() {
                    return Err(format!("{} is cached as absent", event.name()));
                }
            }
            Ok(())
        }
    }

    unsafe fn check_array(t: *const Table) -> Result<(), String> {
        // SAFETY: as for `check`.
        unsafe {
            let (border, capacity) = ((*t).border, (*t).capacity);
            if ((capacity == 0) != (*t).array.is_null()) || border > capacity {
                return Err(format!("border {border} and capacity {capacity}"));
            }
            for &tag in Table::tag_slice(t) {
                if tag >= CELL || tag == DEAD_KEY {
                    return Err(format!("an element has tag {tag}"));
                }
            }
            if border > 0 && Table::get_int(t, border as i64).is_nil() {
                return Err(format!("the element at border {border} is nil"));
            }
            if !Table::get_int(t, border as i64 + 1).is_nil() {
                return Err(format!("the element behind border {border} is not nil"));
            }
            Ok(())
        }
    }

    unsafe fn check_record(heap: &Heap, t: *const Table) -> Result<(), String> {
        // SAFETY: as for `check`.
        unsafe {
            let id = (*t).header.extra;
            if !heap.shapes.is_live(id) {
                return Err(format!("its shape {id} was freed"));
            }
            let shape = heap.shapes.get(id);
            if shape.slot_count as u32 > (*t).slot_capacity {
                return Err(format!("its shape has {} slots", shape.slot_count));
            }
            if (*t).slots.is_null() != ((*t).slot_capacity == 0) {
                return Err("slots without room".into());
            }
            for slot in 0..shape.slot_count as u32 {
                let tag = Table::slot(t, slot).tag;
                if tag >= CELL || tag == DEAD_KEY {
                    return Err(format!("slot {slot} has tag {tag}"));
                }
            }
            let family = (*t).reserved;
            if family != 0
                && family != FIRST_USE
                && !(heap.shapes.is_live(family)
                    && std::ptr::eq(heap.shapes.get(family).metatable, t))
            {
                return Err(format!("shape {family} is not one of its as a metatable"));
            }
            Ok(())
        }
    }

    unsafe fn check_hash(heap: &Heap, t: *const Table) -> Result<(), String> {
        // SAFETY: as for `check`.
        unsafe {
            let hash = (*t).hash;
            let size = HashPart::size(hash);
            if !size.is_power_of_two() || (*hash).last_free as usize > size {
                return Err(format!("a hash part of {size} nodes"));
            }
            let mut integers = 0;
            for index in 0..size {
                let node = HashPart::nodes(hash).add(index);
                let (key, value) = (Node::key(node), Node::value(node));
                let next = index as i64 + (*node).next as i64;
                if next < 0 || next >= size as i64 {
                    return Err(format!("node {index} is linked to {next}"));
                }
                if value.tag >= CELL || value.tag == DEAD_KEY {
                    return Err(format!("node {index} has a value of tag {}", value.tag));
                }
                if value.tag == NIL {
                    continue;
                }
                integers += u32::from(key.tag == INTEGER && fits_array(key.as_integer()));
                Table::check_key(heap, t, key)?;
                if HashPart::find(heap, hash, key) != node {
                    return Err(format!("node {index} is not found by its key {key:?}"));
                }
            }
            if integers > (*hash).integers {
                return Err(format!("{integers} integer keys"));
            }
            Ok(())
        }
    }

    unsafe fn check_key(heap: &Heap, t: *const Table, key: Value) -> Result<(), String> {
        // SAFETY: as for `check`.
        unsafe {
            let fault = match key.tag {
                NIL | DEAD_KEY => true,
                INTEGER => key.payload.wrapping_sub(1) < (*t).capacity as u64,
                FLOAT => {
                    let float = key.as_float();
                    float.is_nan() || super::float_to_integer_key(float).is_some()
                }
                STRING => {
                    let string = key.as_pointer::<LuaString>();
                    let shape = heap.shapes.get((*t).header.extra);
                    (*string).header.flags & HASHED == 0
                        || (LuaString::is_interned(string) && !shape.is_dictionary())
                }
                tag => tag >= CELL,
            };
            if fault {
                return Err(format!("the hash part has the key {key:?}"));
            }
            Ok(())
        }
    }
}
