//! What the collector needs of tables: their nodes one by one, references, sizes, freeing.
//!
//! The collector marks a table's shape by the shape id ([`super::shape::Shapes::mark`]), which
//! reports the metatable and the keys of the record part.

use super::Table;
use super::array::layout;
use super::hash::{HashPart, Node};
use super::shape::Shapes;
use crate::gc::{GcHeader, Heap};
use crate::string::LuaString;
use crate::value::{DEAD_KEY, Value};
use std::ptr;

impl Table {
    /// How many nodes the hash part has.
    ///
    /// # Safety
    /// `t` is a live table.
    #[inline(always)]
    pub unsafe fn hash_size(t: *const Table) -> usize {
        // SAFETY: the caller's contract.
        unsafe {
            match (*t).hash.as_ref() {
                Some(hash) => hash.mask as usize + 1,
                None => 0,
            }
        }
    }

    #[inline(always)]
    unsafe fn node(t: *const Table, index: usize) -> *mut Node {
        // SAFETY: called with an index below `hash_size`.
        unsafe { HashPart::nodes((*t).hash).add(index) }
    }

    /// The key of a node; its tag may be [`DEAD_KEY`].
    ///
    /// # Safety
    /// `t` is a live table and `index < hash_size`.
    #[inline(always)]
    pub unsafe fn hash_key(t: *const Table, index: usize) -> Value {
        // SAFETY: the caller's contract.
        unsafe { Node::key(Table::node(t, index)) }
    }

    /// The value of a node.
    ///
    /// # Safety
    /// `t` is a live table and `index < hash_size`.
    #[inline(always)]
    pub unsafe fn hash_value(t: *const Table, index: usize) -> Value {
        // SAFETY: the caller's contract.
        unsafe { Node::value(Table::node(t, index)) }
    }

    /// Sets the value of a node to nil.
    ///
    /// # Safety
    /// `t` is a live table and `index < hash_size`.
    #[inline(always)]
    pub unsafe fn clear_hash_value(t: *mut Table, index: usize) {
        // SAFETY: the caller's contract.
        unsafe { Node::set_value(Table::node(t, index), Value::NIL) }
    }

    /// Declares the key of a node without value dead, if it is an object: only its address stays,
    /// for `next`.
    ///
    /// # Safety
    /// `t` is a live table, `index < hash_size`, and the node's value is nil.
    #[inline(always)]
    pub unsafe fn kill_hash_key(t: *mut Table, index: usize) {
        // SAFETY: the caller's contract.
        unsafe {
            let node = Table::node(t, index);
            if Node::key(node).is_object() {
                (*node).key_tag = DEAD_KEY;
            }
        }
    }

    /// `t[name]`, raw, for an interned string: [`Table::get_str`] for who has only the shapes.
    ///
    /// # Safety
    /// `t` is a live table whose shape is in `shapes`, and `name` a live interned string.
    #[inline]
    pub unsafe fn get_interned(t: *const Table, shapes: &Shapes, name: *const LuaString) -> Value {
        // SAFETY: the caller's contract.
        unsafe {
            let shape = shapes.get((*t).header.extra);
            if !shape.is_dictionary() {
                return match shape.find(name) {
                    Some(slot) => Table::slot(t, slot),
                    None => Value::NIL,
                };
            }
            if (*t).hash.is_null() {
                return Value::NIL;
            }
            let node = HashPart::find_string((*t).hash, name);
            if node.is_null() {
                return Value::NIL;
            }
            Node::value(node)
        }
    }

    /// Calls `visit` with everything that the table refers to: metatable, keys, values.
    ///
    /// # Safety
    /// `t` is a live table of `heap`, and `visit` changes neither.
    pub unsafe fn for_each_reference(
        heap: *const Heap,
        t: *const Table,
        visit: &mut dyn FnMut(*mut GcHeader),
    ) {
        // SAFETY: the caller's contract; indices are below the parts' sizes.
        unsafe {
            let shapes = &raw const (*heap).shapes;
            let shape = (*shapes).get((*t).header.extra);
            if !shape.metatable.is_null() {
                visit(shape.metatable.cast());
            }
            let mut visit_value = |value: Value| {
                if value.is_object() {
                    visit(value.as_header());
                }
            };
            for slot in 0..shape.slot_count as u32 {
                visit_value(Value::string(shape.key_of(slot)));
                visit_value(Table::slot(t, slot));
            }
            for index in 0..(*t).capacity as usize {
                visit_value(Value {
                    payload: *(*t).array.add(index),
                    tag: *(*t).tags.add(index),
                });
            }
            for index in 0..Table::hash_size(t) {
                let value = Table::hash_value(t, index);
                if !value.is_nil() {
                    visit_value(Table::hash_key(t, index));
                    visit_value(value);
                }
            }
        }
    }

    /// Frees a table's parts; it then has no elements and no room for fields.
    ///
    /// # Safety
    /// `t` is a table of `heap` that nothing uses any more. Its shape need not exist any more.
    pub unsafe fn free_parts(t: *mut Table, heap: &mut Heap) {
        // SAFETY: the caller's contract.
        unsafe {
            Table::free_array(heap, t);
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
    pub unsafe fn external_bytes(t: *const Table) -> usize {
        // SAFETY: the caller's contract.
        unsafe {
            let array = crate::gc::charge::block(layout((*t).capacity).size());
            array + Table::slot_bytes(t) + HashPart::bytes((*t).hash)
        }
    }
}
