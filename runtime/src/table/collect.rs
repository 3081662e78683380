//! What the collector does with tables: visiting, clearing weak entries, freeing.
//!
//! The shape is not visited here: the collector marks it by the table's shape id
//! ([`super::shape::Shapes::mark`]), which reports the metatable and the keys of the record part.

use super::Table;
use super::array::layout;
use super::hash::{HashPart, Node};
use crate::gc::Heap;
use crate::value::{DEAD_KEY, NIL, Value};
use std::ptr;

impl Table {
    /// Calls `visit` with every value in the array and record parts that is an object.
    ///
    /// # Safety
    /// `t` is a live table of `heap`; `visit` does not change it.
    #[inline]
    pub unsafe fn visit_array_and_record(
        heap: &Heap,
        t: *const Table,
        mut visit: impl FnMut(Value),
    ) {
        // SAFETY: the caller's contract.
        unsafe {
            let slots = heap.shapes.get((*t).header.extra).slot_count as u32;
            Table::visit_values(t, slots, &mut visit);
        }
    }

    /// As [`Table::visit_array_and_record`], for a caller that has the shape's slot count.
    ///
    /// # Safety
    /// `t` is a live table whose shape has `slots` slots; `visit` does not change it.
    #[inline]
    pub unsafe fn visit_values(t: *const Table, slots: u32, mut visit: impl FnMut(Value)) {
        // SAFETY: the caller's contract.
        unsafe {
            for (index, &tag) in Table::tag_slice(t).iter().enumerate() {
                let value = Value {
                    payload: *(*t).array.add(index),
                    tag,
                };
                if value.is_object() {
                    visit(value);
                }
            }
            for slot in 0..slots {
                let value = Table::slot(t, slot);
                if value.is_object() {
                    visit(value);
                }
            }
        }
    }

    /// Calls `visit` with each node of the hash part that has a value, after the keys of the
    /// others have been declared dead.
    ///
    /// # Safety
    /// `t` is a live table; `visit` changes no more than the node's value.
    #[inline]
    pub unsafe fn visit_nodes(t: *const Table, mut visit: impl FnMut(*mut Node)) {
        // SAFETY: the caller's contract.
        unsafe {
            Table::each_node(t, |node| {
                if (*node).value_tag == NIL {
                    Table::bury_key(node);
                } else {
                    visit(node);
                }
            });
        }
    }

    /// Makes the key of a node without value dead, if it is an object.
    #[inline(always)]
    unsafe fn bury_key(node: *mut Node) {
        // SAFETY: called with a node of a live hash part.
        unsafe {
            if Node::key(node).is_object() {
                (*node).key_tag = DEAD_KEY;
            }
        }
    }

    /// Clears the fields and elements whose value `is_dead` (weak values).
    ///
    /// # Safety
    /// `t` is a live table of `heap`.
    pub unsafe fn clear_values(
        heap: &Heap,
        t: *mut Table,
        mut is_dead: impl FnMut(Value) -> bool,
    ) {
        // SAFETY: the caller's contract; indices are below the parts' sizes.
        unsafe {
            for index in 0..(*t).capacity as usize {
                let value = Value {
                    payload: *(*t).array.add(index),
                    tag: *(*t).tags.add(index),
                };
                if value.is_object() && is_dead(value) {
                    *(*t).tags.add(index) = NIL;
                }
            }
            Table::retreat(t);
            let slots = heap.shapes.get((*t).header.extra).slot_count as u32;
            for slot in 0..slots {
                let value = Table::slot(t, slot);
                if value.is_object() && is_dead(value) {
                    super::store((*t).slots.add(slot as usize), Value::NIL);
                }
            }
            Table::each_node(t, |node| {
                let value = Node::value(node);
                if value.is_object() && is_dead(value) {
                    Node::set_value(node, Value::NIL);
                }
                if (*node).value_tag == NIL {
                    Table::bury_key(node);
                }
            });
        }
    }

    /// Clears the entries of the hash part whose key `is_dead` (weak keys, ephemerons).
    ///
    /// # Safety
    /// `t` is a live table.
    pub unsafe fn clear_keys(t: *mut Table, mut is_dead: impl FnMut(Value) -> bool) {
        // SAFETY: the caller's contract.
        unsafe {
            Table::each_node(t, |node| {
                let key = Node::key(node);
                if (*node).value_tag != NIL && key.is_object() && is_dead(key) {
                    Node::set_value(node, Value::NIL);
                }
                if (*node).value_tag == NIL {
                    Table::bury_key(node);
                }
            });
        }
    }

    /// Frees a table's parts; it is then empty, without elements and fields.
    ///
    /// # Safety
    /// `t` is a table of `heap` that nothing uses any more. Its shape need not exist any more.
    pub unsafe fn free_parts(heap: &mut Heap, t: *mut Table) {
        // SAFETY: the caller's contract.
        unsafe {
            Table::free_array(heap, (*t).array, (*t).capacity);
            (*t).array = ptr::null_mut();
            (*t).tags = ptr::null_mut();
            (*t).capacity = 0;
            (*t).border = 0;
            Table::free_slots(heap, t);
            HashPart::free(heap, (*t).hash);
            (*t).hash = ptr::null_mut();
        }
    }

    /// Bytes of a table's parts, without the table itself.
    ///
    /// # Safety
    /// `t` is a live table.
    pub unsafe fn bytes(t: *const Table) -> usize {
        // SAFETY: the caller's contract.
        unsafe {
            let array = if (*t).capacity == 0 {
                0
            } else {
                layout((*t).capacity).size()
            };
            array + Table::slot_bytes(t) + HashPart::bytes((*t).hash)
        }
    }
}
