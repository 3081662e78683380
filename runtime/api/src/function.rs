//! Functions from Rust: calls, binary chunks.

use crate::{FromLuaMulti, Function, IntoLuaMulti, Raised, Result, Value};
use std::ffi::c_void;

impl Function {
    /// Calls the function.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let add: perilune::Function = lua.load("function(a, b) return a + b end").eval()?;
    /// assert_eq!(add.call::<i64>((1, 2))?, 3);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// Whatever Lua error the call raises, or what a conversion says.
    ///
    /// # Panics
    /// When a callback panicked, and no Lua code caught that: the panic goes on here.
    pub fn call<R: FromLuaMulti>(&self, args: impl IntoLuaMulti) -> Result<R> {
        let lua = self.0.lua()?;
        lua.call_value(self.0.raw(), args)
    }

    /// Likewise, with the error's object and exact bytes.
    ///
    /// # Errors
    /// Whatever Lua error the call raises; with its traceback if `traceback`.
    pub fn call_raw(
        &self,
        args: &[Value],
        traceback: bool,
    ) -> std::result::Result<Vec<Value>, Raised> {
        let lua = self.0.lua()?;
        lua.state.call(self.0.raw(), args, traceback)
    }

    /// The function as a binary chunk, without names and lines if `strip`. Nothing for a native
    /// function.
    pub fn dump(&self, strip: bool) -> Vec<u8> {
        match self.0.lua() {
            Ok(lua) => lua.state.dump(self.0.raw(), strip).unwrap_or_default(),
            Err(_) => Vec::new(),
        }
    }

    /// The function's address, for comparing and debugging.
    pub fn to_pointer(&self) -> *const c_void {
        self.0.to_pointer()
    }
}
