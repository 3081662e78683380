//! Values as they are, handles, booleans, and what may be one thing or another.

use super::{FromLua, IntoLua};
use crate::names::type_name;
use crate::stack::{Slot, Stack};
use crate::{
    AnyUserData, BorrowedBytes, BorrowedStr, Either, Error, Function, LightUserData, Lua,
    LuaString, Result, Table, Thread, Value,
};
use perilune_runtime::value as raw;

impl IntoLua for Value {
    fn into_lua(self, _: &Lua) -> Result<Value> {
        Ok(self)
    }
}
impl IntoLua for &Value {
    fn into_lua(self, _: &Lua) -> Result<Value> {
        Ok(self.clone())
    }

    #[inline]
    fn push_into_stack(self, stack: &mut Stack<'_>) -> Result<()> {
        stack.push_value(self)
    }
}
impl FromLua for Value {
    #[inline]
    fn from_lua(value: Value, _: &Lua) -> Result<Value> {
        Ok(value)
    }
}

macro_rules! handles {
    ($($name:ident $variant:ident;)*) => {$(
        impl IntoLua for $name {
            fn into_lua(self, _: &Lua) -> Result<Value> {
                Ok(Value::$variant(self))
            }

            #[inline]
            fn push_into_stack(self, stack: &mut Stack<'_>) -> Result<()> {
                stack.push_handle(&self.0)
            }
        }
        impl IntoLua for &$name {
            fn into_lua(self, _: &Lua) -> Result<Value> {
                Ok(Value::$variant(self.clone()))
            }

            #[inline]
            fn push_into_stack(self, stack: &mut Stack<'_>) -> Result<()> {
                stack.push_handle(&self.0)
            }
        }
    )*};
}
handles! {
    LuaString String;
    Table Table;
    Function Function;
    Thread Thread;
    AnyUserData UserData;
}

macro_rules! from_handles {
    ($($name:ident $variant:ident $text:literal;)*) => {$(
        impl FromLua for $name {
            fn from_lua(value: Value, _: &Lua) -> Result<$name> {
                match value {
                    Value::$variant(handle) => Ok(handle),
                    other => Err(Error::from_lua(other.type_name(), $text, None)),
                }
            }
        }
    )*};
}
from_handles! {
    Table Table "table";
    Function Function "function";
    Thread Thread "thread";
    AnyUserData UserData "userdata";
    LightUserData LightUserData "lightuserdata";
}

impl FromLua for LuaString {
    fn from_lua(value: Value, lua: &Lua) -> Result<LuaString> {
        let from = value.type_name();
        let text = lua.coerce_string(value)?;
        text.ok_or_else(|| Error::from_lua(from, "string", Some("expected string or number")))
    }
}
impl FromLua for BorrowedBytes {
    fn from_lua(value: Value, lua: &Lua) -> Result<BorrowedBytes> {
        LuaString::from_lua(value, lua).map(|s| s.as_bytes())
    }
}
impl FromLua for BorrowedStr {
    fn from_lua(value: Value, lua: &Lua) -> Result<BorrowedStr> {
        LuaString::from_lua(value, lua)?.to_str()
    }
}

impl IntoLua for LightUserData {
    fn into_lua(self, _: &Lua) -> Result<Value> {
        Ok(Value::LightUserData(self))
    }
}

impl IntoLua for Error {
    fn into_lua(self, _: &Lua) -> Result<Value> {
        Ok(Value::Error(Box::new(self)))
    }
}
impl FromLua for Error {
    fn from_lua(value: Value, lua: &Lua) -> Result<Error> {
        match value {
            Value::Error(error) => Ok(*error),
            other => Ok(Error::RuntimeError(lua.coerce_string(other)?.map_or_else(
                || "<unprintable error>".to_owned(),
                |s| s.to_string_lossy(),
            ))),
        }
    }
}

impl IntoLua for bool {
    fn into_lua(self, _: &Lua) -> Result<Value> {
        Ok(Value::Boolean(self))
    }

    #[inline]
    fn push_into_stack(self, stack: &mut Stack<'_>) -> Result<()> {
        stack.push_raw(raw::Value::boolean(self))
    }
}
impl FromLua for bool {
    fn from_lua(value: Value, _: &Lua) -> Result<bool> {
        Ok(!matches!(value, Value::Nil | Value::Boolean(false)))
    }

    #[inline]
    fn from_slot(slot: Slot<'_>) -> Result<bool> {
        Ok(slot.raw().is_truthy())
    }
}

impl<T: IntoLua> IntoLua for Option<T> {
    fn into_lua(self, lua: &Lua) -> Result<Value> {
        self.map_or(Ok(Value::Nil), |v| v.into_lua(lua))
    }

    #[inline]
    fn push_into_stack(self, stack: &mut Stack<'_>) -> Result<()> {
        match self {
            Some(value) => value.push_into_stack(stack),
            None => stack.push_raw(raw::Value::NIL),
        }
    }
}
impl<T: FromLua> FromLua for Option<T> {
    fn from_lua(value: Value, lua: &Lua) -> Result<Option<T>> {
        match value {
            Value::Nil => Ok(None),
            value => T::from_lua(value, lua).map(Some),
        }
    }

    #[inline]
    fn from_slot(slot: Slot<'_>) -> Result<Option<T>> {
        if slot.raw().is_nil() {
            return Ok(None);
        }
        T::from_slot(slot).map(Some)
    }
}

impl<L: IntoLua, R: IntoLua> IntoLua for Either<L, R> {
    fn into_lua(self, lua: &Lua) -> Result<Value> {
        self.either(|left| left.into_lua(lua), |right| right.into_lua(lua))
    }

    #[inline]
    fn push_into_stack(self, stack: &mut Stack<'_>) -> Result<()> {
        match self {
            Either::Left(left) => left.push_into_stack(stack),
            Either::Right(right) => right.push_into_stack(stack),
        }
    }
}
impl<L: FromLua, R: FromLua> FromLua for Either<L, R> {
    fn from_lua(value: Value, lua: &Lua) -> Result<Either<L, R>> {
        let from = value.type_name();
        if let Ok(left) = L::from_lua(value.clone(), lua) {
            return Ok(Either::Left(left));
        }
        R::from_lua(value, lua)
            .map(Either::Right)
            .map_err(|_| Error::from_lua(from, &type_name::<Either<L, R>>(), None))
    }

    #[inline]
    fn from_slot(slot: Slot<'_>) -> Result<Either<L, R>> {
        if let Ok(left) = L::from_slot(slot) {
            return Ok(Either::Left(left));
        }
        let right = R::from_slot(slot).map(Either::Right);
        right.map_err(|_| {
            let from = slot.value().type_name();
            Error::from_lua(from, &type_name::<Either<L, R>>(), None)
        })
    }
}
