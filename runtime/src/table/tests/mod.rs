//! Tests of tables: single behaviours with the results PUC gives, and random operations against a
//! model.

mod model;
mod shapes;
mod single;

use super::{InvalidKey, Table, TableError};
use crate::gc::Heap;
use crate::string::LuaString;
use crate::value::Value;

/// A heap, and short ways to use tables in it.
pub(super) struct Fixture {
    pub(super) heap: Box<Heap>,
}

impl Fixture {
    pub(super) fn new() -> Fixture {
        Fixture {
            heap: Heap::new(42).expect("a heap"),
        }
    }

    pub(super) fn table(&mut self) -> *mut Table {
        self.heap.new_table().expect("a table")
    }

    pub(super) fn string(&mut self, text: &str) -> *mut LuaString {
        self.heap.new_string(text.as_bytes()).expect("a string")
    }

    pub(super) fn set(
        &mut self,
        t: *mut Table,
        key: Value,
        value: Value,
    ) -> Result<(), TableError> {
        // SAFETY: tables and values of the tests live as long as the heap, which never collects.
        unsafe { Table::set(&mut self.heap, t, key, value) }
    }

    pub(super) fn set_int(&mut self, t: *mut Table, key: i64, value: i64) {
        // SAFETY: as above.
        unsafe { Table::set_int(&mut self.heap, t, key, Value::integer(value)).expect("stored") }
    }

    pub(super) fn clear_int(&mut self, t: *mut Table, key: i64) {
        // SAFETY: as above.
        unsafe { Table::set_int(&mut self.heap, t, key, Value::NIL).expect("cleared") }
    }

    pub(super) fn set_field(&mut self, t: *mut Table, key: &str, value: i64) {
        let key = self.string(key);
        // SAFETY: as above.
        unsafe {
            Table::set_str(&mut self.heap, t, key, Value::integer(value), true).expect("stored");
        }
    }

    pub(super) fn get(&mut self, t: *mut Table, key: Value) -> Value {
        // SAFETY: as above.
        unsafe { Table::get(&self.heap, t, key) }
    }

    pub(super) fn get_field(&mut self, t: *mut Table, key: &str) -> Option<i64> {
        let key = self.string(key);
        let value = self.get(t, Value::string(key));
        (!value.is_nil()).then(|| value.as_integer())
    }

    pub(super) fn border(&self, t: *mut Table) -> i64 {
        // SAFETY: as above.
        unsafe { Table::border(t) }
    }

    pub(super) fn check(&self, t: *mut Table) {
        // SAFETY: as above.
        unsafe { Table::check(&self.heap, t).expect("a valid table") };
        self.heap.shapes.check().expect("valid shapes");
    }

    /// All entries, by the cursor.
    pub(super) fn entries(&self, t: *mut Table) -> Vec<(Value, Value)> {
        let mut cursor = 0;
        let mut entries = Vec::new();
        // SAFETY: as above.
        while let Some(entry) = unsafe { Table::next_index(&self.heap, t, &mut cursor) } {
            entries.push(entry);
        }
        entries
    }

    /// The entry after `key`, by `next`.
    pub(super) fn next(
        &self,
        t: *mut Table,
        key: Value,
    ) -> Result<Option<(Value, Value)>, InvalidKey> {
        // SAFETY: as above.
        unsafe { Table::next(&self.heap, t, key) }
    }
}
