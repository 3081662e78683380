//! Rust values that become Lua values.

use crate::{Error, IntoLua, Lua, Result, Table, Value};
use ::serde::ser::{self, Serialize};

/// How Rust values become Lua values.
///
/// ```
/// use perilune::{LuaSerdeExt, SerializeOptions as Options};
/// let lua = perilune::Lua::new();
/// let options = Options::new().serialize_none_to_null(false).serialize_unit_to_null(false);
/// assert!(lua.to_value_with(&(), options)?.is_nil());
/// let options = Options::new().set_array_metatable(false).detect_serde_json_arbitrary_precision(true);
/// let list = lua.to_value_with(&[1, 2], options)?;
/// assert!(list.as_table().is_some_and(|list| !list.has_metatable()));
/// # Ok::<(), perilune::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Whether sequences get the metatable of arrays.
    pub set_array_metatable: bool,
    /// Whether `None` becomes [`Value::NULL`], and not nil.
    pub serialize_none_to_null: bool,
    /// Whether `()` and unit structs do.
    pub serialize_unit_to_null: bool,
    /// Whether a number of `serde_json`, with its feature `arbitrary_precision`, becomes a number.
    pub detect_serde_json_arbitrary_precision: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options::new()
    }
}

impl Options {
    /// The defaults: all but the last one are set.
    pub const fn new() -> Options {
        Options {
            set_array_metatable: true,
            serialize_none_to_null: true,
            serialize_unit_to_null: true,
            detect_serde_json_arbitrary_precision: false,
        }
    }

    /// Sets [`Options::set_array_metatable`](#structfield.set_array_metatable).
    #[must_use]
    pub const fn set_array_metatable(mut self, enabled: bool) -> Options {
        self.set_array_metatable = enabled;
        self
    }

    /// Sets [`Options::serialize_none_to_null`](#structfield.serialize_none_to_null).
    #[must_use]
    pub const fn serialize_none_to_null(mut self, enabled: bool) -> Options {
        self.serialize_none_to_null = enabled;
        self
    }

    /// Sets [`Options::serialize_unit_to_null`](#structfield.serialize_unit_to_null).
    #[must_use]
    pub const fn serialize_unit_to_null(mut self, enabled: bool) -> Options {
        self.serialize_unit_to_null = enabled;
        self
    }

    /// Sets what its name says.
    #[must_use]
    pub const fn detect_serde_json_arbitrary_precision(mut self, enabled: bool) -> Options {
        self.detect_serde_json_arbitrary_precision = enabled;
        self
    }
}

/// Makes Lua values.
///
/// ```
/// use perilune::{SerializeOptions, serde::ser::Serializer};
/// use serde::Serialize;
/// let lua = perilune::Lua::new();
/// assert_eq!("text".serialize(Serializer::new(&lua))?.to_string()?, "text");
/// let options = SerializeOptions::new().serialize_unit_to_null(false);
/// assert!(().serialize(Serializer::new_with_options(&lua, options))?.is_nil());
/// # Ok::<(), perilune::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Serializer<'a> {
    lua: &'a Lua,
    options: Options,
}

impl<'a> Serializer<'a> {
    /// One that works as usual.
    pub fn new(lua: &'a Lua) -> Serializer<'a> {
        Serializer::new_with_options(lua, Options::default())
    }

    /// One that works as `options` say.
    pub fn new_with_options(lua: &'a Lua, options: Options) -> Serializer<'a> {
        Serializer { lua, options }
    }

    /// Null, or nil if null is not wanted.
    fn nothing(self, as_null: bool) -> Value {
        if as_null { Value::NULL } else { Value::Nil }
    }

    fn fields(self, count: usize, variant: Option<&'static str>) -> Result<Fields<'a>> {
        Ok(Fields {
            table: self.lua.create_table_with_capacity(0, count.min(64))?,
            serializer: self,
            variant,
            key: None,
            number: None,
        })
    }

    /// `{variant = value}`
    fn variant(self, variant: &'static str, value: Value) -> Result<Value> {
        let table = self.lua.create_table_with_capacity(0, 1)?;
        table.raw_set(variant, value)?;
        Ok(Value::Table(table))
    }
}

macro_rules! plain {
    ($($function:ident $kind:ty;)*) => {$(
        fn $function(self, value: $kind) -> Result<Value> {
            value.into_lua(self.lua)
        }
    )*};
}

impl<'a> ser::Serializer for Serializer<'a> {
    type Ok = Value;
    type Error = Error;
    type SerializeSeq = Elements<'a>;
    type SerializeTuple = Elements<'a>;
    type SerializeTupleStruct = Elements<'a>;
    type SerializeTupleVariant = Elements<'a>;
    type SerializeMap = Fields<'a>;
    type SerializeStruct = Fields<'a>;
    type SerializeStructVariant = Fields<'a>;

    plain! {
        serialize_bool bool;
        serialize_i8 i8;
        serialize_i16 i16;
        serialize_i32 i32;
        serialize_i64 i64;
        serialize_i128 i128;
        serialize_u8 u8;
        serialize_u16 u16;
        serialize_u32 u32;
        serialize_u64 u64;
        serialize_u128 u128;
        serialize_f32 f32;
        serialize_f64 f64;
        serialize_char char;
        serialize_str &str;
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<Value> {
        self.lua.create_string(value).map(Value::String)
    }

    fn serialize_none(self) -> Result<Value> {
        Ok(self.nothing(self.options.serialize_none_to_null))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value> {
        Ok(self.nothing(self.options.serialize_unit_to_null))
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Value> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Value> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Value> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value> {
        self.variant(variant, value.serialize(self)?)
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Elements<'a>> {
        let length = length.unwrap_or(0).min(1 << 16);
        let table = self.lua.create_table_with_capacity(length, 0)?;
        if self.options.set_array_metatable {
            table.set_metatable(Some(self.lua.known_array_metatable()?))?;
        }
        Ok(Elements {
            table,
            serializer: self,
            variant: None,
            count: 0,
        })
    }

    fn serialize_tuple(self, length: usize) -> Result<Elements<'a>> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<Elements<'a>> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Elements<'a>> {
        Ok(Elements {
            table: self.lua.create_table()?,
            serializer: self,
            variant: Some(variant),
            count: 0,
        })
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Fields<'a>> {
        self.fields(length.unwrap_or(0), None)
    }

    fn serialize_struct(self, name: &'static str, length: usize) -> Result<Fields<'a>> {
        let mut fields = self.fields(length, None)?;
        if self.options.detect_serde_json_arbitrary_precision && name == JSON_NUMBER {
            fields.number = Some(Value::Nil);
        }
        Ok(fields)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Fields<'a>> {
        self.fields(length, Some(variant))
    }
}

/// As what `serde_json` serializes a number of any precision: a struct with its text.
const JSON_NUMBER: &str = "$serde_json::private::Number";

/// The elements of a sequence or tuple.
///
/// ```
/// use perilune::serde::ser::{Elements, Serializer};
/// use serde::{Serializer as _, ser::SerializeSeq};
/// let lua = perilune::Lua::new();
/// let mut elements: Elements<'_> = Serializer::new(&lua).serialize_seq(None)?;
/// elements.serialize_element(&1)?;
/// assert_eq!(SerializeSeq::end(elements)?.as_table().map(|list| list.raw_len()), Some(1));
/// # Ok::<(), perilune::Error>(())
/// ```
#[derive(Debug)]
pub struct Elements<'a> {
    table: Table,
    serializer: Serializer<'a>,
    /// The variant of an enum that they belong to.
    variant: Option<&'static str>,
    count: i64,
}

impl Elements<'_> {
    fn add<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.count += 1;
        self.table
            .raw_set(self.count, value.serialize(self.serializer)?)
    }

    fn finish(self) -> Result<Value> {
        match self.variant {
            Some(variant) => self.serializer.variant(variant, Value::Table(self.table)),
            None => Ok(Value::Table(self.table)),
        }
    }
}

macro_rules! elements {
    ($($kind:ident $function:ident;)*) => {$(
        impl ser::$kind for Elements<'_> {
            type Ok = Value;
            type Error = Error;

            fn $function<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
                self.add(value)
            }

            fn end(self) -> Result<Value> {
                self.finish()
            }
        }
    )*};
}
elements! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
    SerializeTupleVariant serialize_field;
}

/// The entries of a map or struct.
///
/// ```
/// use perilune::serde::ser::{Fields, Serializer};
/// use serde::{Serializer as _, ser::SerializeMap};
/// let lua = perilune::Lua::new();
/// let mut fields: Fields<'_> = Serializer::new(&lua).serialize_map(None)?;
/// fields.serialize_entry("x", &1)?;
/// let value = SerializeMap::end(fields)?;
/// assert_eq!(value.as_table().map_or(Ok(0), |table| table.get("x"))?, 1);
/// # Ok::<(), perilune::Error>(())
/// ```
#[derive(Debug)]
pub struct Fields<'a> {
    table: Table,
    serializer: Serializer<'a>,
    /// The variant of an enum that they belong to.
    variant: Option<&'static str>,
    /// The key whose value is to come.
    key: Option<Value>,
    /// The text of a number of any precision, if this is to become one.
    number: Option<Value>,
}

impl Fields<'_> {
    fn add<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<()> {
        let value = value.serialize(self.serializer)?;
        if self.number.is_some() {
            self.number = Some(value);
            return Ok(());
        }
        self.table.raw_set(key, value)
    }

    fn finish(self) -> Result<Value> {
        let table = Value::Table(self.table);
        match (self.number, self.variant) {
            (Some(text), _) => Ok(number(text)),
            (None, Some(variant)) => self.serializer.variant(variant, table),
            (None, None) => Ok(table),
        }
    }
}

/// The number that a text stands for; the text if it is none.
fn number(text: Value) -> Value {
    let parsed = text.as_string().and_then(|text| {
        let text = text.to_str().ok()?;
        let integer = text.parse().map(Value::Integer);
        integer.or_else(|_| text.parse().map(Value::Number)).ok()
    });
    parsed.unwrap_or(text)
}

impl ser::SerializeMap for Fields<'_> {
    type Ok = Value;
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        self.key = Some(key.serialize(self.serializer)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        let key = self.key.take();
        let key =
            key.ok_or_else(|| <Error as ser::Error>::custom("a value came before its key"))?;
        self.table.raw_set(key, value.serialize(self.serializer)?)
    }

    fn end(self) -> Result<Value> {
        self.finish()
    }
}

macro_rules! fields {
    ($($kind:ident)*) => {$(
        impl ser::$kind for Fields<'_> {
            type Ok = Value;
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<()> {
                self.add(key, value)
            }

            fn end(self) -> Result<Value> {
                self.finish()
            }
        }
    )*};
}
fields! { SerializeStruct SerializeStructVariant }
