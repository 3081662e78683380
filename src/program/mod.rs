//! What the programs need beyond embedding, and share: calls whose errors become messages with a
//! traceback, the standard streams and warnings of the libraries, tables of options and what is
//! derived from them, messages and the source lines shown with them, and chunks that are compiled but not run.

pub mod chunk;
pub mod flag;
pub mod manual;
pub mod messages;
pub mod snippet;

use std::ffi::OsString;

pub use perilune_runtime::sys::{
    FirstBlocks, LargeBlocks, default_broken_pipe, error_text, path_from_bytes, set_return_memory,
};
pub use perilune_stdlib::base::{Warnings, standard_warnings};
pub use perilune_stdlib::io::standard::{stdin_read_line, stdout_flush, stdout_write};

use crate::{Error, Function, Lua, Result, Table, Value};
use perilune_runtime::native::Native;
use perilune_stdlib::base::program::{
    INDEX, LENGTH, MESSAGE_HANDLER, PLAIN_HANDLER, PROTECTED_CALL, SET_INDEX,
};

/// Calls functions as the stand-alone interpreter does: from a native frame, under a message
/// handler that adds a traceback to messages and describes error objects that are none.
#[derive(Debug)]
pub struct ReportingCall {
    protected_call: Function,
    handler: Function,
    plain_handler: Function,
}

/// Results of a call, or the message of its error.
pub type Outcome = std::result::Result<Vec<Value>, Vec<u8>>;

impl ReportingCall {
    /// Prepares calls in `lua`.
    ///
    /// # Errors
    /// Memory.
    pub fn new(lua: &Lua) -> Result<ReportingCall> {
        Ok(ReportingCall {
            protected_call: function(lua, PROTECTED_CALL)?,
            handler: function(lua, MESSAGE_HANDLER)?,
            plain_handler: function(lua, PLAIN_HANDLER)?,
        })
    }

    /// Calls `function`, any value.
    ///
    /// # Errors
    /// The message of the error, with its traceback.
    pub fn call(&self, function: &Value, arguments: &[Value]) -> Outcome {
        self.call_under(&self.handler, function, arguments)
    }

    /// Likewise, without a traceback.
    ///
    /// # Errors
    /// The message of the error.
    pub fn call_plain(&self, function: &Value, arguments: &[Value]) -> Outcome {
        self.call_under(&self.plain_handler, function, arguments)
    }

    /// The global variable `name`, as a program sees it: with metamethods.
    ///
    /// # Errors
    /// The message of the error.
    pub fn global(&self, lua: &Lua, name: &[u8]) -> std::result::Result<Value, Vec<u8>> {
        let globals = lua.globals();
        if globals.metatable().is_none() {
            let name = lua.create_string(name).map_err(message)?;
            return globals.raw_get(name).map_err(message);
        }
        let name = Value::String(lua.create_string(name).map_err(message)?);
        self.operate(lua, INDEX, &[Value::Table(globals), name])
    }

    /// Assigns to the global variable `name`, likewise.
    ///
    /// # Errors
    /// The message of the error.
    pub fn set_global(
        &self,
        lua: &Lua,
        name: &[u8],
        value: Value,
    ) -> std::result::Result<(), Vec<u8>> {
        let globals = lua.globals();
        if globals.metatable().is_none() {
            let name = lua.create_string(name).map_err(message)?;
            return globals.raw_set(name, value).map_err(message);
        }
        let name = Value::String(lua.create_string(name).map_err(message)?);
        self.operate(lua, SET_INDEX, &[Value::Table(globals), name, value])
            .map(|_| ())
    }

    /// The length of `table`, likewise.
    ///
    /// # Errors
    /// The message of the error.
    pub fn length(&self, lua: &Lua, table: &Table) -> std::result::Result<i64, Vec<u8>> {
        if table.metatable().is_none() {
            return Ok(table.raw_len() as i64);
        }
        match self.operate(lua, LENGTH, &[Value::Table(table.clone())])? {
            Value::Integer(length) => Ok(length),
            // `LENGTH` gives nothing else.
            _ => Ok(0),
        }
    }

    /// What an operation on `operands` gives.
    fn operate(
        &self,
        lua: &Lua,
        operation: Native,
        operands: &[Value],
    ) -> std::result::Result<Value, Vec<u8>> {
        let operation = Value::Function(function(lua, operation).map_err(message)?);
        let results = self.call_plain(&operation, operands)?;
        Ok(results.into_iter().next().unwrap_or(Value::Nil))
    }

    fn call_under(&self, handler: &Function, function: &Value, arguments: &[Value]) -> Outcome {
        let mut all = vec![function.clone(), Value::Function(handler.clone())];
        all.extend_from_slice(arguments);
        let called = self.protected_call.call_raw(&all, false);
        let mut results = called.map_err(|raised| raised.message)?;
        if matches!(results.first(), Some(Value::Boolean(true))) {
            results.remove(0);
            return Ok(results);
        }
        Err(match results.get(1) {
            Some(Value::String(message)) => message.to_bytes(),
            _ => b"(error message not a string)".to_vec(),
        })
    }
}

/// The message of an error, as the reference interpreter words it.
pub fn message(error: Error) -> Vec<u8> {
    match error {
        Error::RuntimeError(message) | Error::SyntaxError { message, .. } => message.into_bytes(),
        other => other.to_string().into_bytes(),
    }
}

/// A new function. It leaves the native step that makes it through a field of the registry.
fn function(lua: &Lua, native: Native) -> Result<Function> {
    const FIELD: &str = "perilune.new_function";
    lua.with_call(|call| {
        let registry = call.registry();
        let function = call.new_function(native)?;
        call.table_set_str(registry, FIELD.as_bytes(), function)
    })?;
    let made = lua.named_registry_value(FIELD)?;
    lua.unset_named_registry_value(FIELD)?;
    Ok(made)
}

/// Lua strings are bytes, so arguments are too. Where the system's strings are not bytes they
/// become UTF-8, replacing what has no such form.
pub fn argument_bytes(argument: OsString) -> Vec<u8> {
    #[cfg(unix)]
    {
        std::os::unix::ffi::OsStringExt::into_vec(argument)
    }
    #[cfg(not(unix))]
    {
        argument.to_string_lossy().into_owned().into_bytes()
    }
}
