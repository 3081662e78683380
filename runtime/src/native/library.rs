//! Libraries: the functions they register.
//!
//! Invariant: what is made while a native function runs is not collected before it returns, so that keys
//! and functions need no root between being made and being stored.

use super::{Call, Local, Native, TableRef};
use crate::error::Result;
use crate::interp;
use crate::string::LuaString;
use crate::table::Table;
use crate::table::shape::MAX_RECORD;
use crate::value::Value;

impl<'c> Call<'c> {
    /// Registers the functions of a library in `table` (as `luaL_setfuncs`).
    ///
    /// # Errors
    /// Memory.
    pub fn register(&mut self, table: TableRef<'c>, functions: &[Native]) -> Result<()> {
        self.register_with(table, functions, &[])
    }

    /// Likewise; each function gets these upvalues.
    ///
    /// # Errors
    /// Memory.
    pub fn register_with(
        &mut self,
        table: TableRef<'c>,
        functions: &[Native],
        upvalues: &[Local<'c>],
    ) -> Result<()> {
        if self.register_at_once(table, functions, upvalues)? {
            return Ok(());
        }
        for &native in functions {
            let function = self.new_closure(native, upvalues)?;
            self.table_set_str(table, native.description.name.as_bytes(), function)?;
        }
        Ok(())
    }

    /// Registers the functions as all the fields that a table has. False when that can't be done.
    fn register_at_once(
        &mut self,
        table: TableRef<'c>,
        functions: &[Native],
        upvalues: &[Local<'c>],
    ) -> Result<bool> {
        // SAFETY: live during the step.
        let is_new = unsafe { Table::has_no_fields(table.raw) };
        if !is_new || functions.len() > MAX_RECORD {
            return Ok(false);
        }
        let mut keys = [std::ptr::null_mut::<LuaString>(); MAX_RECORD];
        let mut values = [Value::NIL; MAX_RECORD];
        for (index, &native) in functions.iter().enumerate() {
            let name = native.description.name.as_bytes();
            let key = self.vm().heap.new_string(name)?;
            // SAFETY: the string was just made.
            if !unsafe { LuaString::is_interned(key) } {
                return Ok(false);
            }
            keys[index] = key;
            values[index] = self.new_closure(native, upvalues)?.raw;
        }
        let (keys, values) = (&keys[..functions.len()], &values[..functions.len()]);
        // SAFETY: all are live during the step; the keys are interned, and functions are not nil.
        let result = unsafe { Table::set_all_str(&mut self.vm().heap, table.raw, keys, values) };
        result.map_err(|error| interp::table_error(self.vm(), error))
    }
}
