//! Argument checks and errors of native functions, with PUC Lua's messages.

use super::{Call, FunctionRef, Local, LocalView, TableRef, ThreadRef, UserdataRef};
use crate::convert;
use crate::error::{LuaError, Result};
use crate::value;
use perilune_frontend::number::{self, Number, Rounding};
use std::any::Any;
use std::cell::RefCell;

impl<'c> Call<'c> {
    /// The basic type of argument `i`; "no value" when it is absent.
    pub fn type_name_of(&self, i: u32) -> &'static str {
        if self.is_none(i) {
            "no value"
        } else {
            self.arg(i).type_name()
        }
    }
    /// `bad argument #i to 'f' (message)`, as `luaL_argerror`.
    pub fn arg_error(&mut self, i: u32, message: impl AsRef<[u8]>) -> LuaError {
        // SAFETY: the saved state is up to date during a step.
        unsafe { crate::debug::argument_error(self.vm, i, message.as_ref()) }
    }
    /// `bad argument #i to 'f' (expected expected, got ...)`, as `luaL_typeerror`.
    pub fn type_error(&mut self, i: u32, expected: &str) -> LuaError {
        let v = self.arg(i);
        let name = self.metafield(v, "__name");
        let got = match name.as_bytes() {
            Some(name) => name.to_vec(),
            None if v.raw.tag == value::LIGHT_USERDATA => b"light userdata".to_vec(),
            None => self.type_name_of(i).as_bytes().to_vec(),
        };
        let message = [expected.as_bytes(), b" expected, got ", &got].concat();
        self.arg_error(i, message)
    }
    /// An error with the position of the function that called the running one, as `luaL_error`.
    pub fn error(&mut self, message: impl AsRef<[u8]>) -> LuaError {
        let mut text = self.position(1);
        text.extend_from_slice(message.as_ref());
        self.vm().error_string(&text)
    }
    /// `chunk:line: ` of the function at `level` (0 is the running function); empty when unknown.
    pub fn position(&mut self, level: u32) -> Vec<u8> {
        // SAFETY: the saved state is up to date during a step.
        unsafe { crate::debug::info::position(self.vm, level as usize) }
    }

    /// Argument `i`, which must be present.
    ///
    /// # Errors
    /// "value expected".
    pub fn check_any(&mut self, i: u32) -> Result<Local<'c>> {
        if self.is_none(i) {
            Err(self.arg_error(i, "value expected"))
        } else {
            Ok(self.arg(i))
        }
    }
    /// Argument `i` as an integer; strings and floats with exact value are converted.
    ///
    /// # Errors
    /// "number expected, got ..." or "number has no integer representation".
    #[inline]
    pub fn check_integer(&mut self, i: u32) -> Result<i64> {
        let v = self.arg(i);
        if v.raw.tag == value::INTEGER {
            return Ok(v.raw.as_integer());
        }
        self.check_integer_slow(i)
    }
    #[cold]
    fn check_integer_slow(&mut self, i: u32) -> Result<i64> {
        match convert::to_number(self.arg(i).raw) {
            Some(Number::Integer(n)) => Ok(n),
            Some(Number::Float(f)) => match number::float_to_integer(f, Rounding::Exact) {
                Some(n) => Ok(n),
                None => Err(self.arg_error(i, "number has no integer representation")),
            },
            None => Err(self.type_error(i, "number")),
        }
    }
    /// Argument `i` as an integer, or `default` when it is absent or nil.
    ///
    /// # Errors
    /// As [`Call::check_integer`].
    #[inline]
    pub fn opt_integer(&mut self, i: u32, default: i64) -> Result<i64> {
        if self.is_none_or_nil(i) {
            Ok(default)
        } else {
            self.check_integer(i)
        }
    }
    /// Argument `i` as a number; strings are converted.
    ///
    /// # Errors
    /// "number expected, got ...".
    #[inline]
    pub fn check_number_value(&mut self, i: u32) -> Result<Number> {
        match convert::to_number(self.arg(i).raw) {
            Some(n) => Ok(n),
            None => Err(self.type_error(i, "number")),
        }
    }
    /// Argument `i` as a float; strings and integers are converted.
    ///
    /// # Errors
    /// "number expected, got ...".
    #[inline]
    pub fn check_number(&mut self, i: u32) -> Result<f64> {
        let v = self.arg(i);
        match v.raw.tag {
            value::FLOAT => Ok(v.raw.as_float()),
            value::INTEGER => Ok(v.raw.as_integer() as f64),
            _ => self.check_number_slow(i),
        }
    }
    #[cold]
    fn check_number_slow(&mut self, i: u32) -> Result<f64> {
        self.check_number_value(i).map(Number::to_float)
    }
    /// Argument `i` as a float, or `default` when it is absent or nil.
    ///
    /// # Errors
    /// As [`Call::check_number`].
    pub fn opt_number(&mut self, i: u32, default: f64) -> Result<f64> {
        if self.is_none_or_nil(i) {
            Ok(default)
        } else {
            self.check_number(i)
        }
    }
    /// Argument `i` as a string; a number is converted, in its slot too.
    ///
    /// # Errors
    /// "string expected, got ...", memory.
    #[inline]
    pub fn check_string(&mut self, i: u32) -> Result<&'c [u8]> {
        if let Some(bytes) = self.arg(i).as_bytes() {
            return Ok(bytes);
        }
        self.check_string_slow(i)
    }
    #[cold]
    fn check_string_slow(&mut self, i: u32) -> Result<&'c [u8]> {
        let Some(n) = convert::as_number(self.arg(i).raw) else {
            return Err(self.type_error(i, "string"));
        };
        let mut text = Vec::new();
        number::push_number(&mut text, n);
        let s = self.new_string(&text)?;
        self.set_slot(i, s);
        Ok(s.as_bytes().unwrap_or_default())
    }
    /// Argument `i` as a string, or `None` when it is absent or nil.
    ///
    /// # Errors
    /// As [`Call::check_string`].
    #[inline]
    pub fn opt_string(&mut self, i: u32) -> Result<Option<&'c [u8]>> {
        if self.is_none_or_nil(i) {
            Ok(None)
        } else {
            self.check_string(i).map(Some)
        }
    }
    /// Argument `i` as a table.
    ///
    /// # Errors
    /// "table expected, got ...".
    #[inline]
    pub fn check_table(&mut self, i: u32) -> Result<TableRef<'c>> {
        match self.arg(i).as_table() {
            Some(t) => Ok(t),
            None => Err(self.type_error(i, "table")),
        }
    }
    /// Argument `i` as a function.
    ///
    /// # Errors
    /// "function expected, got ...".
    pub fn check_function(&mut self, i: u32) -> Result<FunctionRef<'c>> {
        let v = self.arg(i);
        if v.is_function() {
            Ok(FunctionRef(v))
        } else {
            Err(self.type_error(i, "function"))
        }
    }
    /// Argument `i` as a coroutine.
    ///
    /// # Errors
    /// "thread expected, got ...".
    pub fn check_thread(&mut self, i: u32) -> Result<ThreadRef<'c>> {
        match self.arg(i).view() {
            LocalView::Thread(t) => Ok(t),
            _ => Err(self.type_error(i, "thread")),
        }
    }
    /// The index in `options` of the string argument `i`.
    ///
    /// # Errors
    /// "invalid option 'x'".
    pub fn check_option(
        &mut self,
        i: u32,
        default: Option<&str>,
        options: &[&str],
    ) -> Result<usize> {
        let name = match default {
            Some(default) if self.is_none_or_nil(i) => default.as_bytes(),
            _ => self.check_string(i)?,
        };
        match options.iter().position(|option| option.as_bytes() == name) {
            Some(index) => Ok(index),
            None => {
                let message = [b"invalid option '", name, b"'"].concat();
                Err(self.arg_error(i, message))
            }
        }
    }
    /// Argument `i` as a userdata that holds a `T` and whose metatable is registered under
    /// `type_name`, as `luaL_checkudata`.
    ///
    /// # Errors
    /// "type_name expected, got ...".
    pub fn check_userdata<T: Any>(
        &mut self,
        i: u32,
        type_name: &'static str,
    ) -> Result<UserdataRef<'c>> {
        match self.test_userdata::<T>(i, type_name) {
            Some(u) => Ok(u),
            None => Err(self.type_error(i, type_name)),
        }
    }
    /// As [`Call::check_userdata`], without an error.
    pub fn test_userdata<T: Any>(
        &mut self,
        i: u32,
        type_name: &'static str,
    ) -> Option<UserdataRef<'c>> {
        let v = self.arg(i);
        let LocalView::Userdata(u) = v.view() else {
            return None;
        };
        let registry = self.registry();
        let expected = self
            .table_get_str(registry, type_name.as_bytes())
            .as_table();
        if expected.is_none() || self.metatable(v) != expected {
            return None;
        }
        // SAFETY: the userdata is live during the step.
        let is_type = unsafe { (*u.raw).contents.is::<RefCell<T>>() };
        is_type.then_some(u)
    }
}
