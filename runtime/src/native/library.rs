//! Libraries: the functions they register.

use super::{Call, Native, TableRef};
use crate::error::Result;

impl<'c> Call<'c> {
    /// Registers the functions of a library in `table` (as `luaL_setfuncs`).
    ///
    /// # Errors
    /// Memory.
    pub fn register(&mut self, table: TableRef<'c>, functions: &[Native]) -> Result<()> {
        for &native in functions {
            let function = self.new_function(native)?;
            self.table_set_str(table, native.description.name.as_bytes(), function)?;
        }
        Ok(())
    }
}
