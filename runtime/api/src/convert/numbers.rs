//! Numbers: integers of all sizes, floats, and how Lua makes numbers of strings and strings of numbers.

use super::{FromLua, IntoLua};
use crate::stack::{Slot, Stack};
use crate::{Error, Integer, Lua, LuaString, Number, Result, Value};
use perilune_frontend::number::{
    Number as LuaNumber, Rounding, float_to_integer, push_number, str_to_number,
};
use perilune_runtime::value as raw;

impl Lua {
    /// The integer that the value is, or that a float or string is equal to.
    ///
    /// ```
    /// use perilune::Value;
    /// let lua = perilune::Lua::new();
    /// let text = Value::String(lua.create_string("0x10")?);
    /// assert_eq!(lua.coerce_integer(text.clone())?, Some(16));
    /// assert_eq!(lua.coerce_integer(Value::Number(0.5))?, None);
    /// assert_eq!(lua.coerce_number(text)?, Some(16.0));
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// None at present.
    pub fn coerce_integer(&self, value: Value) -> Result<Option<Integer>> {
        Ok(match number(&value) {
            Some(LuaNumber::Integer(i)) => Some(i),
            Some(LuaNumber::Float(f)) => float_to_integer(f, Rounding::Exact),
            None => None,
        })
    }

    /// The number that the value is, or that a string stands for, as a float.
    ///
    /// # Errors
    /// None at present.
    pub fn coerce_number(&self, value: Value) -> Result<Option<Number>> {
        Ok(number(&value).map(|n| match n {
            LuaNumber::Integer(i) => i as f64,
            LuaNumber::Float(f) => f,
        }))
    }

    /// The string that the value is, or the text of a number.
    ///
    /// ```
    /// use perilune::Value;
    /// let lua = perilune::Lua::new();
    /// let text = lua.coerce_string(Value::Number(1.0))?;
    /// assert_eq!(text.map(|text| text.to_bytes()), Some(b"1.0".to_vec()));
    /// assert!(lua.coerce_string(Value::Boolean(true))?.is_none());
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// Memory.
    pub fn coerce_string(&self, value: Value) -> Result<Option<LuaString>> {
        let n = match value {
            Value::String(s) => return Ok(Some(s)),
            Value::Integer(i) => LuaNumber::Integer(i),
            Value::Number(f) => LuaNumber::Float(f),
            _ => return Ok(None),
        };
        let mut text = Vec::new();
        push_number(&mut text, n);
        self.create_string(text).map(Some)
    }
}

/// The number that a value is or stands for.
fn number(value: &Value) -> Option<LuaNumber> {
    match value {
        Value::Integer(i) => Some(LuaNumber::Integer(*i)),
        Value::Number(f) => Some(LuaNumber::Float(*f)),
        Value::String(s) => str_to_number(&s.as_bytes()),
        _ => None,
    }
}

/// Why a value becomes no number.
const NO_NUMBER: &str = "expected number or string coercible to number";
const OUT_OF_RANGE: &str = "out of range";

macro_rules! integers {
    ($($t:ident)*) => {$(
        impl IntoLua for $t {
            fn into_lua(self, _: &Lua) -> Result<Value> {
                // What is too large for an integer becomes a float.
                Ok(i64::try_from(self).map_or(Value::Number(self as f64), Value::Integer))
            }

            #[inline]
            fn push_into_stack(self, stack: &mut Stack<'_>) -> Result<()> {
                let float = || raw::Value::float(self as f64);
                stack.push_raw(i64::try_from(self).map_or_else(|_| float(), raw::Value::integer))
            }
        }
        impl FromLua for $t {
            fn from_lua(value: Value, _: &Lua) -> Result<$t> {
                let from = value.type_name();
                let refused = |why| Error::from_lua(from, stringify!($t), Some(why));
                match number(&value) {
                    Some(LuaNumber::Integer(i)) => {
                        $t::try_from(i).map_err(|_| refused(OUT_OF_RANGE))
                    }
                    Some(LuaNumber::Float(f)) => {
                        // A float is cut towards zero. One more than the greatest integer is a float,
                        // if need be by rounding up to it.
                        let cut = f.trunc();
                        if cut >= $t::MIN as f64 && cut < $t::MAX as f64 + 1.0 {
                            Ok(cut as $t)
                        } else {
                            Err(refused(OUT_OF_RANGE))
                        }
                    }
                    None => Err(refused(NO_NUMBER)),
                }
            }

            #[inline]
            fn from_slot(slot: Slot<'_>) -> Result<$t> {
                let value = slot.raw();
                if value.tag == raw::INTEGER
                    && let Ok(n) = $t::try_from(value.as_integer())
                {
                    return Ok(n);
                }
                $t::from_lua(slot.value(), slot.lua())
            }
        }
    )*};
}
integers! { i8 u8 i16 u16 i32 u32 i64 u64 i128 u128 isize usize }

macro_rules! floats {
    ($($t:ident)*) => {$(
        impl IntoLua for $t {
            fn into_lua(self, _: &Lua) -> Result<Value> {
                Ok(Value::Number(f64::from(self)))
            }

            #[inline]
            fn push_into_stack(self, stack: &mut Stack<'_>) -> Result<()> {
                stack.push_raw(raw::Value::float(f64::from(self)))
            }
        }
        impl FromLua for $t {
            fn from_lua(value: Value, lua: &Lua) -> Result<$t> {
                let from = value.type_name();
                let number = lua.coerce_number(value)?;
                number
                    .map(|f| f as $t)
                    .ok_or_else(|| Error::from_lua(from, stringify!($t), Some(NO_NUMBER)))
            }

            #[inline]
            fn from_slot(slot: Slot<'_>) -> Result<$t> {
                let value = slot.raw();
                match value.tag {
                    raw::FLOAT => Ok(value.as_float() as $t),
                    raw::INTEGER => Ok(value.as_integer() as f64 as $t),
                    _ => $t::from_lua(slot.value(), slot.lua()),
                }
            }
        }
    )*};
}
floats! { f32 f64 }
