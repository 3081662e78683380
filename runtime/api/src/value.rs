//! Lua values on the Rust side, and conversion to them.

use crate::handle::Handle;
use crate::state::State;
use crate::{AnyUserData, Error, Function, Lua, LuaString, Result, Table, Thread, callback};
use perilune_runtime::value as raw;
use std::rc::Rc;

/// A Lua value.
#[derive(Clone, Debug)]
pub enum Value {
    /// `nil`
    Nil,
    /// `true` or `false`
    Boolean(bool),
    /// An integer.
    Integer(i64),
    /// A float.
    Number(f64),
    /// A light userdata.
    LightUserData(*mut std::ffi::c_void),
    /// A string.
    String(LuaString),
    /// A table.
    Table(Table),
    /// A function.
    Function(Function),
    /// A coroutine.
    Thread(Thread),
    /// A full userdata.
    UserData(AnyUserData),
    /// A Rust error that has passed, or will pass, through Lua.
    Error(Box<Error>),
}

impl Value {
    /// The name of its type as `type` gives it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Nil => "nil",
            Value::Boolean(_) => "boolean",
            Value::Integer(_) | Value::Number(_) => "number",
            Value::LightUserData(_) | Value::UserData(_) => "userdata",
            Value::String(_) => "string",
            Value::Table(_) => "table",
            Value::Function(_) => "function",
            Value::Thread(_) => "thread",
            Value::Error(_) => "error",
        }
    }

    /// Whether it is `nil`.
    pub fn is_nil(&self) -> bool {
        matches!(self, Value::Nil)
    }

    /// The table, if it is one.
    pub fn as_table(&self) -> Option<&Table> {
        match self {
            Value::Table(t) => Some(t),
            _ => None,
        }
    }

    /// The function, if it is one.
    pub fn as_function(&self) -> Option<&Function> {
        match self {
            Value::Function(f) => Some(f),
            _ => None,
        }
    }

    /// The string, if it is one.
    pub fn as_string(&self) -> Option<&LuaString> {
        match self {
            Value::String(s) => Some(s),
            _ => None,
        }
    }

    pub(crate) fn from_raw(state: &Rc<State>, value: raw::Value) -> Value {
        let handle = || Handle::new(state, value);
        match value.view() {
            raw::View::Nil | raw::View::Internal => Value::Nil,
            raw::View::Boolean(b) => Value::Boolean(b),
            raw::View::Integer(i) => Value::Integer(i),
            raw::View::Float(f) => Value::Number(f),
            raw::View::LightUserdata(p) => Value::LightUserData(p),
            raw::View::String(_) => Value::String(LuaString(handle())),
            raw::View::Table(_) => Value::Table(Table(handle())),
            raw::View::LuaClosure(_) | raw::View::NativeClosure(_) => {
                Value::Function(Function(handle()))
            }
            raw::View::Userdata(_) => match callback::error_of(value) {
                Some(error) => Value::Error(Box::new(error)),
                None => Value::UserData(AnyUserData(handle())),
            },
            raw::View::Thread(_) => Value::Thread(Thread(handle())),
        }
    }

    /// The raw value, for use in `state` before anything else happens there.
    ///
    /// # Errors
    /// The value is of another state; memory for an error object.
    pub(crate) fn to_raw(&self, state: &Rc<State>) -> Result<raw::Value> {
        Ok(match self {
            Value::Nil => raw::Value::NIL,
            Value::Boolean(b) => raw::Value::boolean(*b),
            Value::Integer(i) => raw::Value::integer(*i),
            Value::Number(f) => raw::Value::float(*f),
            Value::LightUserData(p) => raw::Value::light_userdata(*p),
            Value::String(LuaString(h))
            | Value::Table(Table(h))
            | Value::Function(Function(h))
            | Value::Thread(Thread(h))
            | Value::UserData(AnyUserData(h)) => {
                if !Rc::ptr_eq(&h.state, state) {
                    return Err(Error::runtime("value of another state"));
                }
                h.raw()
            }
            Value::Error(error) => {
                let lua = Lua {
                    state: state.clone(),
                };
                callback::error_object(&lua, (**error).clone())?
            }
        })
    }
}
