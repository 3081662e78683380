//! Lua values on the Rust side, and conversion to them.

use super::handle::Handle;
use super::state::State;
use super::{Function, Lua, LuaString, Result, Table, Thread, UserData};
use crate::value as raw;
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
    UserData(UserData),
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
            raw::View::Userdata(_) => Value::UserData(UserData(handle())),
            raw::View::Thread(_) => Value::Thread(Thread(handle())),
        }
    }

    pub(crate) fn to_raw(&self) -> raw::Value {
        match self {
            Value::Nil => raw::Value::NIL,
            Value::Boolean(b) => raw::Value::boolean(*b),
            Value::Integer(i) => raw::Value::integer(*i),
            Value::Number(f) => raw::Value::float(*f),
            Value::LightUserData(p) => raw::Value::light_userdata(*p),
            Value::String(LuaString(h))
            | Value::Table(Table(h))
            | Value::Function(Function(h))
            | Value::Thread(Thread(h))
            | Value::UserData(UserData(h)) => h.raw(),
        }
    }
}

/// What can become a Lua value.
pub trait IntoLua {
    /// Converts.
    ///
    /// # Errors
    /// Memory.
    fn into_lua(self, lua: &Lua) -> Result<Value>;
}

impl IntoLua for Value {
    fn into_lua(self, _: &Lua) -> Result<Value> {
        Ok(self)
    }
}
impl IntoLua for bool {
    fn into_lua(self, _: &Lua) -> Result<Value> {
        Ok(Value::Boolean(self))
    }
}
impl IntoLua for i64 {
    fn into_lua(self, _: &Lua) -> Result<Value> {
        Ok(Value::Integer(self))
    }
}
impl IntoLua for f64 {
    fn into_lua(self, _: &Lua) -> Result<Value> {
        Ok(Value::Number(self))
    }
}
impl IntoLua for &[u8] {
    fn into_lua(self, lua: &Lua) -> Result<Value> {
        Ok(Value::String(lua.create_string(self)?))
    }
}
impl IntoLua for &str {
    fn into_lua(self, lua: &Lua) -> Result<Value> {
        Ok(Value::String(lua.create_string(self.as_bytes())?))
    }
}
impl IntoLua for Table {
    fn into_lua(self, _: &Lua) -> Result<Value> {
        Ok(Value::Table(self))
    }
}
impl IntoLua for Function {
    fn into_lua(self, _: &Lua) -> Result<Value> {
        Ok(Value::Function(self))
    }
}
