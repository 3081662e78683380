//! What a table is for serde: a sequence or a map; which of its entries count; and how deep it lies.
//!
//! Invariant: the path holds the tables that are being visited, from the outermost in, so a table that
//! contains itself is found, and so is nesting that would exhaust the native stack.

use super::de::Options;
use crate::{Integer, Result, Table, Value};
use std::cell::RefCell;
use std::ffi::c_void;
use std::rc::Rc;

/// How deep tables may nest.
const MAX_DEPTH: usize = 128;

/// The tables that are being visited.
#[derive(Clone, Debug, Default)]
pub(super) struct Path(Rc<RefCell<Vec<*const c_void>>>);

impl Path {
    /// Goes into a table, until the answer is dropped.
    pub(super) fn enter(&self, table: &Table) -> std::result::Result<Visit, &'static str> {
        let mut tables = self.0.borrow_mut();
        if tables.len() >= MAX_DEPTH {
            return Err("tables are nested too deeply");
        }
        tables.push(table.to_pointer());
        Ok(Visit(self.clone()))
    }

    fn contains(&self, table: &Table) -> bool {
        self.0.borrow().contains(&table.to_pointer())
    }

    /// Whether a value is to be left out.
    ///
    /// # Errors
    /// A table that contains itself, where the options deny that.
    pub(super) fn skips(
        &self,
        value: &Value,
        options: Options,
    ) -> std::result::Result<bool, &'static str> {
        match value {
            Value::Table(table) if self.contains(table) => {
                if options.deny_recursive_tables {
                    return Err("recursive table detected");
                }
                Ok(true)
            }
            Value::LightUserData(data) if data.0.is_null() => Ok(false),
            Value::UserData(userdata) if userdata.is_serializable() => Ok(false),
            Value::Function(_)
            | Value::Thread(_)
            | Value::UserData(_)
            | Value::LightUserData(_)
            | Value::Error(_) => Ok(!options.deny_unsupported_types),
            _ => Ok(false),
        }
    }
}

/// A table that is being visited.
#[derive(Debug)]
pub(super) struct Visit(Path);

impl Drop for Visit {
    fn drop(&mut self) {
        self.0.0.borrow_mut().pop();
    }
}

impl Table {
    /// The length as a sequence; `None` when the table is a map.
    pub(super) fn sequence_length(&self, options: Options) -> Option<usize> {
        let lua = self.0.lua().ok()?;
        let is_marked = match (self.metatable(), lua.array_metatable_address()) {
            (Some(metatable), Some(array)) => metatable.0.raw().is_identical(array),
            _ => false,
        };
        let length = self.raw_len();
        if is_marked {
            return Some(length);
        }
        if options.detect_mixed_tables {
            return self.mixed_length();
        }
        if length > 0 || options.encode_empty_tables_as_array && self.is_empty() {
            return Some(length);
        }
        None
    }

    /// The greatest key, if all keys are positive integers that are not too far apart.
    fn mixed_length(&self) -> Option<usize> {
        let (mut count, mut greatest) = (0, 0);
        for entry in self.pairs::<Value, Value>() {
            match entry {
                Ok((Value::Integer(key), _)) if key > 0 => {
                    count += 1;
                    greatest = greatest.max(usize::try_from(key).ok()?);
                }
                _ => return None,
            }
        }
        let is_dense = count < 10 && greatest <= 1000 || count * 2 >= greatest;
        (count > 0 && is_dense).then_some(greatest)
    }

    /// The value at a position.
    pub(super) fn at(&self, position: usize) -> Result<Value> {
        self.raw_get(position as Integer)
    }

    /// The entries, in the order of their keys if the options say so.
    pub(super) fn entries(&self, options: Options) -> Result<std::vec::IntoIter<(Value, Value)>> {
        let entries = self.pairs::<Value, Value>();
        let mut entries = entries.collect::<Result<Vec<(Value, Value)>>>()?;
        if options.sort_keys {
            entries.sort_by(|(a, _), (b, _)| a.order(b));
        }
        Ok(entries.into_iter())
    }
}
