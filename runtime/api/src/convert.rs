//! Conversions between single values of Rust and Lua.
//!
//! Numbers and strings convert into each other as Lua itself converts them; integers that do not fit
//! are errors, never cut. A nil is `None`; only nil and `false` are false.

use crate::names::type_name;
use crate::{
    AnyUserData, BorrowedBytes, BorrowedStr, Either, Error, Function, LightUserData, Lua,
    LuaString, Result, Table, Thread, Value,
};
use perilune_frontend::number::{Number, Rounding, float_to_integer, str_to_number};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

/// What can become a Lua value.
pub trait IntoLua: Sized {
    /// Converts.
    ///
    /// # Errors
    /// Memory, or the value has no form in Lua.
    fn into_lua(self, lua: &Lua) -> Result<Value>;
}

/// What can be made of a Lua value.
pub trait FromLua: Sized {
    /// Converts.
    ///
    /// # Errors
    /// [`Error::FromLuaConversionError`] when the value is of the wrong type.
    fn from_lua(value: Value, lua: &Lua) -> Result<Self>;

    /// Converts argument `pos` of the function `to`.
    ///
    /// # Errors
    /// [`Error::BadArgument`] with the error of the conversion.
    #[doc(hidden)]
    fn from_lua_arg(value: Value, pos: usize, to: Option<&str>, lua: &Lua) -> Result<Self> {
        Self::from_lua(value, lua).map_err(|cause| Error::BadArgument {
            to: to.map(str::to_owned),
            pos,
            name: None,
            cause: Arc::new(cause),
        })
    }
}

impl IntoLua for Value {
    fn into_lua(self, _: &Lua) -> Result<Value> {
        Ok(self)
    }
}
impl IntoLua for &Value {
    fn into_lua(self, _: &Lua) -> Result<Value> {
        Ok(self.clone())
    }
}
impl FromLua for Value {
    fn from_lua(value: Value, _: &Lua) -> Result<Value> {
        Ok(value)
    }
}

macro_rules! handles {
    ($($name:ident $variant:ident $text:literal;)*) => {$(
        impl IntoLua for $name {
            fn into_lua(self, _: &Lua) -> Result<Value> {
                Ok(Value::$variant(self))
            }
        }
        impl IntoLua for &$name {
            fn into_lua(self, _: &Lua) -> Result<Value> {
                Ok(Value::$variant(self.clone()))
            }
        }
    )*};
}
handles! {
    LuaString String "string";
    Table Table "table";
    Function Function "function";
    Thread Thread "thread";
    AnyUserData UserData "userdata";
}
macro_rules! from_handles {
    ($($name:ident $text:literal;)*) => {$(
        impl FromLua for $name {
            fn from_lua(value: Value, _: &Lua) -> Result<$name> {
                match value {
                    Value::$name(handle) => Ok(handle),
                    other => Err(Error::from_lua(other.type_name(), $text, None)),
                }
            }
        }
    )*};
}
from_handles! {
    Table "table";
    Function "function";
    Thread "thread";
}
impl FromLua for AnyUserData {
    fn from_lua(value: Value, _: &Lua) -> Result<AnyUserData> {
        match value {
            Value::UserData(data) => Ok(data),
            other => Err(Error::from_lua(other.type_name(), "userdata", None)),
        }
    }
}
impl FromLua for LuaString {
    fn from_lua(value: Value, lua: &Lua) -> Result<LuaString> {
        let from = value.type_name();
        let text = lua.coerce_string(value)?;
        text.ok_or_else(|| Error::from_lua(from, "string", Some("expected string or number")))
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

impl IntoLua for LightUserData {
    fn into_lua(self, _: &Lua) -> Result<Value> {
        Ok(Value::LightUserData(self))
    }
}
impl FromLua for LightUserData {
    fn from_lua(value: Value, _: &Lua) -> Result<LightUserData> {
        match value {
            Value::LightUserData(data) => Ok(data),
            other => Err(Error::from_lua(other.type_name(), "lightuserdata", None)),
        }
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

impl<L: IntoLua, R: IntoLua> IntoLua for Either<L, R> {
    fn into_lua(self, lua: &Lua) -> Result<Value> {
        self.either(|left| left.into_lua(lua), |right| right.into_lua(lua))
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
}

impl IntoLua for bool {
    fn into_lua(self, _: &Lua) -> Result<Value> {
        Ok(Value::Boolean(self))
    }
}
impl FromLua for bool {
    fn from_lua(value: Value, _: &Lua) -> Result<bool> {
        Ok(!matches!(value, Value::Nil | Value::Boolean(false)))
    }
}

impl Lua {
    /// The integer that the value is, or that a float or string is equal to.
    ///
    /// # Errors
    /// None at present.
    pub fn coerce_integer(&self, value: Value) -> Result<Option<i64>> {
        Ok(match number(&value) {
            Some(Number::Integer(i)) => Some(i),
            Some(Number::Float(f)) => float_to_integer(f, Rounding::Exact),
            None => None,
        })
    }

    /// The number that the value is, or that a string stands for, as a float.
    ///
    /// # Errors
    /// None at present.
    pub fn coerce_number(&self, value: Value) -> Result<Option<f64>> {
        Ok(number(&value).map(|n| match n {
            Number::Integer(i) => i as f64,
            Number::Float(f) => f,
        }))
    }

    /// The string that the value is, or the text of a number.
    ///
    /// # Errors
    /// Memory.
    pub fn coerce_string(&self, value: Value) -> Result<Option<LuaString>> {
        let n = match value {
            Value::String(s) => return Ok(Some(s)),
            Value::Integer(i) => Number::Integer(i),
            Value::Number(f) => Number::Float(f),
            _ => return Ok(None),
        };
        let mut text = Vec::new();
        perilune_frontend::number::push_number(&mut text, n);
        self.create_string(text).map(Some)
    }
}

/// The number that a value is or stands for.
fn number(value: &Value) -> Option<Number> {
    match value {
        Value::Integer(i) => Some(Number::Integer(*i)),
        Value::Number(f) => Some(Number::Float(*f)),
        Value::String(s) => str_to_number(&s.to_bytes()),
        _ => None,
    }
}

macro_rules! integers {
    ($($t:ident)*) => {$(
        impl IntoLua for $t {
            fn into_lua(self, _: &Lua) -> Result<Value> {
                // As in mlua, what is too large for an integer becomes a float.
                Ok(i64::try_from(self).map_or(Value::Number(self as f64), Value::Integer))
            }
        }
        impl FromLua for $t {
            fn from_lua(value: Value, _: &Lua) -> Result<$t> {
                let from = value.type_name();
                let refused = |why| Error::from_lua(from, stringify!($t), Some(why));
                match number(&value) {
                    Some(Number::Integer(i)) => {
                        $t::try_from(i).map_err(|_| refused("out of range"))
                    }
                    Some(Number::Float(f)) => {
                        // A float is cut towards zero, if it is in range then.
                        let cut = f.trunc();
                        let in_range = cut >= $t::MIN as f64 && cut <= $t::MAX as f64;
                        if in_range { Ok(cut as $t) } else { Err(refused("out of range")) }
                    }
                    None => Err(refused("expected number or string coercible to number")),
                }
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
        }
        impl FromLua for $t {
            fn from_lua(value: Value, lua: &Lua) -> Result<$t> {
                let from = value.type_name();
                let why = "expected number or string coercible to number";
                let number = lua.coerce_number(value)?;
                number
                    .map(|f| f as $t)
                    .ok_or_else(|| Error::from_lua(from, stringify!($t), Some(why)))
            }
        }
    )*};
}
floats! { f32 f64 }

macro_rules! texts {
    ($($t:ty)*) => {$(
        impl IntoLua for $t {
            fn into_lua(self, lua: &Lua) -> Result<Value> {
                lua.create_string(self.as_bytes()).map(Value::String)
            }
        }
    )*};
}
texts! { &str String Box<str> Cow<'_, str> &String }

impl IntoLua for char {
    fn into_lua(self, lua: &Lua) -> Result<Value> {
        self.encode_utf8(&mut [0; 4]).into_lua(lua)
    }
}
impl IntoLua for &mut str {
    fn into_lua(self, lua: &Lua) -> Result<Value> {
        lua.create_string(self.as_bytes()).map(Value::String)
    }
}

impl FromLua for String {
    fn from_lua(value: Value, lua: &Lua) -> Result<String> {
        let from = value.type_name();
        let refused = |why: &str| Error::from_lua(from, "String", Some(why));
        let text = lua
            .coerce_string(value)?
            .ok_or_else(|| refused("expected string or number"))?;
        String::from_utf8(text.to_bytes()).map_err(|error| refused(&error.to_string()))
    }
}
impl FromLua for Box<str> {
    fn from_lua(value: Value, lua: &Lua) -> Result<Box<str>> {
        String::from_lua(value, lua).map(String::into_boxed_str)
    }
}
impl FromLua for char {
    fn from_lua(value: Value, lua: &Lua) -> Result<char> {
        let from = value.type_name();
        if let Value::Integer(i) = value {
            let code = u32::try_from(i).ok().and_then(char::from_u32);
            return code
                .ok_or_else(|| Error::from_lua(from, "char", Some("integer is no character")));
        }
        let text = String::from_lua(value, lua)?;
        let mut characters = text.chars();
        match (characters.next(), characters.next()) {
            (Some(c), None) => Ok(c),
            _ => Err(Error::from_lua(
                from,
                "char",
                Some("expected string to have exactly one char"),
            )),
        }
    }
}

impl<T: IntoLua> IntoLua for Option<T> {
    fn into_lua(self, lua: &Lua) -> Result<Value> {
        self.map_or(Ok(Value::Nil), |v| v.into_lua(lua))
    }
}
impl<T: FromLua> FromLua for Option<T> {
    fn from_lua(value: Value, lua: &Lua) -> Result<Option<T>> {
        match value {
            Value::Nil => Ok(None),
            value => T::from_lua(value, lua).map(Some),
        }
    }
}

impl<T: IntoLua> IntoLua for Vec<T> {
    fn into_lua(self, lua: &Lua) -> Result<Value> {
        lua.create_sequence_from(self).map(Value::Table)
    }
}
impl<T: IntoLua + Clone> IntoLua for &[T] {
    fn into_lua(self, lua: &Lua) -> Result<Value> {
        lua.create_sequence_from(self.iter().cloned())
            .map(Value::Table)
    }
}
impl<T: IntoLua, const N: usize> IntoLua for [T; N] {
    fn into_lua(self, lua: &Lua) -> Result<Value> {
        lua.create_sequence_from(self).map(Value::Table)
    }
}
impl<T: FromLua> FromLua for Vec<T> {
    fn from_lua(value: Value, _: &Lua) -> Result<Vec<T>> {
        match value {
            Value::Table(table) => table.sequence_values().collect(),
            other => Err(Error::from_lua(
                other.type_name(),
                "Vec",
                Some("expected table"),
            )),
        }
    }
}
impl<T: FromLua, const N: usize> FromLua for [T; N] {
    fn from_lua(value: Value, lua: &Lua) -> Result<[T; N]> {
        let from = value.type_name();
        let elements = Vec::from_lua(value, lua)?;
        <[T; N]>::try_from(elements).map_err(|elements| {
            let why = format!("expected table of length {N}, got {}", elements.len());
            Error::from_lua(from, "Array", Some(&why))
        })
    }
}

/// The table that a value is, for a conversion to `to`.
fn table(value: Value, to: &str) -> Result<Table> {
    match value {
        Value::Table(table) => Ok(table),
        other => Err(Error::from_lua(
            other.type_name(),
            to,
            Some("expected table"),
        )),
    }
}

impl<K: Eq + Hash + IntoLua, V: IntoLua, S: BuildHasher> IntoLua for HashMap<K, V, S> {
    fn into_lua(self, lua: &Lua) -> Result<Value> {
        lua.create_table_from(self).map(Value::Table)
    }
}
impl<K, V, S> FromLua for HashMap<K, V, S>
where
    K: Eq + Hash + FromLua,
    V: FromLua,
    S: BuildHasher + Default,
{
    fn from_lua(value: Value, _: &Lua) -> Result<Self> {
        table(value, "HashMap")?.pairs().collect()
    }
}
impl<K: Ord + IntoLua, V: IntoLua> IntoLua for BTreeMap<K, V> {
    fn into_lua(self, lua: &Lua) -> Result<Value> {
        lua.create_table_from(self).map(Value::Table)
    }
}
impl<K: Ord + FromLua, V: FromLua> FromLua for BTreeMap<K, V> {
    fn from_lua(value: Value, _: &Lua) -> Result<Self> {
        table(value, "BTreeMap")?.pairs().collect()
    }
}
impl<T: Eq + Hash + IntoLua, S: BuildHasher> IntoLua for HashSet<T, S> {
    fn into_lua(self, lua: &Lua) -> Result<Value> {
        let entries = self.into_iter().map(|v| (v, true));
        lua.create_table_from(entries).map(Value::Table)
    }
}
impl<T: Eq + Hash + FromLua, S: BuildHasher + Default> FromLua for HashSet<T, S> {
    fn from_lua(value: Value, _: &Lua) -> Result<Self> {
        set(table(value, "HashSet")?)
    }
}
impl<T: Ord + IntoLua> IntoLua for BTreeSet<T> {
    fn into_lua(self, lua: &Lua) -> Result<Value> {
        let entries = self.into_iter().map(|v| (v, true));
        lua.create_table_from(entries).map(Value::Table)
    }
}
impl<T: Ord + FromLua> FromLua for BTreeSet<T> {
    fn from_lua(value: Value, _: &Lua) -> Result<Self> {
        set(table(value, "BTreeSet")?)
    }
}

/// The elements of a set: of a sequence its values, of another table its keys.
fn set<T: FromLua, C: FromIterator<T>>(table: Table) -> Result<C> {
    if table.raw_len() > 0 {
        return table.sequence_values().collect();
    }
    table
        .pairs::<T, Value>()
        .map(|entry| entry.map(|(key, _)| key))
        .collect()
}
