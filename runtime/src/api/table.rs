//! Tables from Rust (raw access).

use super::{Error, Result, Table, Value};
use crate::table::{Table as RawTable, TableError};
use crate::value as raw;

impl Table {
    /// `t[key]`, raw.
    pub fn raw_get(&self, key: &Value) -> Value {
        let state = &self.0.state;
        // SAFETY: the handles keep table and key alive.
        unsafe {
            let vm = state.vm();
            let value = RawTable::get(&(*vm).heap, self.0.raw().as_pointer(), key.to_raw());
            Value::from_raw(state, value)
        }
    }

    /// The field `name`, raw.
    ///
    /// # Errors
    /// Memory.
    pub fn raw_get_field(&self, name: &[u8]) -> Result<Value> {
        let key = self.0.state.string(name)?;
        Ok(self.raw_get(&key))
    }

    /// `t[key] = value`, raw.
    ///
    /// # Errors
    /// Nil or NaN as key, memory.
    pub fn raw_set(&self, key: &Value, value: &Value) -> Result<()> {
        // SAFETY: the handles keep all three alive.
        let result = unsafe {
            let vm = self.0.state.vm();
            let table = self.0.raw().as_pointer();
            RawTable::set(&mut (*vm).heap, table, key.to_raw(), value.to_raw())
        };
        result.map_err(|error| match error {
            TableError::Memory => Error::MemoryError,
            other => Error::RuntimeError {
                message: match other {
                    TableError::NilKey => "table index is nil".to_owned(),
                    TableError::NaNKey => "table index is NaN".to_owned(),
                    _ => "table overflow".to_owned(),
                },
                traceback: None,
            },
        })
    }

    /// `t[name] = value`, raw.
    ///
    /// # Errors
    /// Memory.
    pub fn raw_set_field(&self, name: &[u8], value: &Value) -> Result<()> {
        let key = self.0.state.string(name)?;
        self.raw_set(&key, value)
    }

    /// The border (`#t` without metamethods).
    pub fn raw_len(&self) -> i64 {
        // SAFETY: the handle keeps the table alive.
        unsafe { RawTable::border(self.0.raw().as_pointer()) }
    }

    /// The metatable.
    pub fn metatable(&self) -> Option<Table> {
        // SAFETY: the handle keeps the table alive.
        unsafe {
            let vm = self.0.state.vm();
            let metatable = RawTable::metatable(&(*vm).heap, self.0.raw().as_pointer());
            if metatable.is_null() {
                return None;
            }
            Some(Table(super::handle::Handle::new(
                &self.0.state,
                raw::Value::table(metatable),
            )))
        }
    }

    /// All entries, as `next` gives them.
    pub fn entries(&self) -> Vec<(Value, Value)> {
        let mut entries = Vec::new();
        let mut key = raw::Value::NIL;
        // SAFETY: the handle keeps the table alive; nothing changes it meanwhile.
        unsafe {
            let vm = self.0.state.vm();
            while let Ok(Some((k, v))) = RawTable::next(&(*vm).heap, self.0.raw().as_pointer(), key)
            {
                entries.push((
                    Value::from_raw(&self.0.state, k),
                    Value::from_raw(&self.0.state, v),
                ));
                key = k;
            }
        }
        entries
    }
}
