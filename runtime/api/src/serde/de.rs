//! Rust values that are made of Lua values.

use super::shape::{Path, Visit};
use crate::{Error, Result, Table, Value};
use ::serde::de::{self, Error as _, IntoDeserializer, Unexpected, Visitor};

/// How Lua values become Rust values.
///
/// ```
/// use perilune::{DeserializeOptions as Options, LuaSerdeExt, Value};
/// use std::collections::BTreeMap;
/// let lua = perilune::Lua::new();
/// let value: Value = lua.load("{ n = 1, f = print }").eval()?;
/// let options = Options::new().deny_unsupported_types(false).deny_recursive_tables(false).sort_keys(true);
/// assert!(lua.from_value::<BTreeMap<String, i64>>(value.clone()).is_err());
/// let map: BTreeMap<String, i64> = lua.from_value_with(value, options)?;
/// assert_eq!(map.into_iter().collect::<Vec<_>>(), [("n".to_owned(), 1)]);
/// let options = Options::new().encode_empty_tables_as_array(true);
/// let empty: serde_json::Value = lua.from_value_with(lua.load("{}").eval()?, options)?;
/// assert!(empty.is_array());
/// let options = Options::new().detect_mixed_tables(true);
/// let holes: serde_json::Value = lua.from_value_with(lua.load("{ [1] = 1, [3] = 3 }").eval()?, options)?;
/// assert_eq!(holes, serde_json::json!([1, null, 3]));
/// # Ok::<(), perilune::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Whether what serde has no word for is an error, or left out.
    pub deny_unsupported_types: bool,
    /// Whether a table that contains itself is an error, or left out there.
    pub deny_recursive_tables: bool,
    /// Whether entries come in the order of their keys.
    pub sort_keys: bool,
    /// Whether a table without entries is a sequence.
    pub encode_empty_tables_as_array: bool,
    /// Whether a table with a border is a map all the same if it has other keys, and one with holes a
    /// sequence if it has not.
    pub detect_mixed_tables: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options::new()
    }
}

impl Options {
    /// The defaults: what can't be is denied, and the rest is not set.
    pub const fn new() -> Options {
        Options {
            deny_unsupported_types: true,
            deny_recursive_tables: true,
            sort_keys: false,
            encode_empty_tables_as_array: false,
            detect_mixed_tables: false,
        }
    }

    /// Sets [`Options::deny_unsupported_types`](#structfield.deny_unsupported_types).
    #[must_use]
    pub const fn deny_unsupported_types(mut self, enabled: bool) -> Options {
        self.deny_unsupported_types = enabled;
        self
    }

    /// Sets [`Options::deny_recursive_tables`](#structfield.deny_recursive_tables).
    #[must_use]
    pub const fn deny_recursive_tables(mut self, enabled: bool) -> Options {
        self.deny_recursive_tables = enabled;
        self
    }

    /// Sets [`Options::sort_keys`](#structfield.sort_keys).
    #[must_use]
    pub const fn sort_keys(mut self, enabled: bool) -> Options {
        self.sort_keys = enabled;
        self
    }

    /// Sets [`Options::encode_empty_tables_as_array`](#structfield.encode_empty_tables_as_array).
    #[must_use]
    pub const fn encode_empty_tables_as_array(mut self, enabled: bool) -> Options {
        self.encode_empty_tables_as_array = enabled;
        self
    }

    /// Sets [`Options::detect_mixed_tables`](#structfield.detect_mixed_tables).
    #[must_use]
    pub const fn detect_mixed_tables(mut self, enabled: bool) -> Options {
        self.detect_mixed_tables = enabled;
        self
    }
}

/// Makes Rust values.
///
/// ```
/// use perilune::{DeserializeOptions, serde::de::Deserializer};
/// use serde::Deserialize;
/// let lua = perilune::Lua::new();
/// assert_eq!(Vec::<i64>::deserialize(Deserializer::new(lua.load("{1, 2}").eval()?))?, [1, 2]);
/// let options = DeserializeOptions::new().encode_empty_tables_as_array(true);
/// let deserializer = Deserializer::new_with_options(lua.load("{}").eval()?, options);
/// assert_eq!(serde_json::Value::deserialize(deserializer)?, serde_json::json!([]));
/// # Ok::<(), perilune::Error>(())
/// ```
#[derive(Debug)]
pub struct Deserializer {
    value: Value,
    options: Options,
    path: Path,
}

impl Deserializer {
    /// One that works as usual.
    pub fn new(value: Value) -> Deserializer {
        Deserializer::new_with_options(value, Options::default())
    }

    /// One that works as `options` say.
    pub fn new_with_options(value: Value, options: Options) -> Deserializer {
        Deserializer {
            value,
            options,
            path: Path::default(),
        }
    }

    /// This, with the Lua value of what a userdata holds in place of that.
    fn opened(mut self) -> Result<Deserializer> {
        if let Value::UserData(userdata) = &self.value
            && userdata.is_serializable()
        {
            self.value = userdata.serialized()?;
        }
        Ok(self)
    }

    fn elements(self, table: Table, length: usize) -> Result<Elements> {
        Ok(Elements {
            _visit: self.path.enter(&table).map_err(Error::custom)?,
            table,
            position: 0,
            length,
            options: self.options,
            path: self.path,
        })
    }

    fn table(self) -> Result<(Table, Deserializer)> {
        let this = self.opened()?;
        match this.value {
            Value::Table(table) => Ok((
                table,
                Deserializer {
                    value: Value::Nil,
                    ..this
                },
            )),
            other => Err(Error::invalid_type(
                Unexpected::Other(other.type_name()),
                &"table",
            )),
        }
    }
}

impl<'de> de::Deserializer<'de> for Deserializer {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let this = self.opened()?;
        match &this.value {
            Value::Nil => visitor.visit_unit(),
            Value::Boolean(b) => visitor.visit_bool(*b),
            Value::Integer(i) => visitor.visit_i64(*i),
            Value::Number(n) => visitor.visit_f64(*n),
            Value::String(s) => match s.to_str() {
                Ok(text) => visitor.visit_str(&text),
                Err(_) => visitor.visit_bytes(&s.as_bytes()),
            },
            Value::Table(table) => match table.sequence_length(this.options) {
                Some(length) => {
                    let table = table.clone();
                    this.elements(table, length)?.visit(visitor)
                }
                None => this.deserialize_map(visitor),
            },
            Value::LightUserData(data) if data.0.is_null() => visitor.visit_none(),
            other if this.options.deny_unsupported_types => {
                let kind = other.type_name();
                Err(Error::custom(format_args!(
                    "unsupported value type `{kind}`"
                )))
            }
            _ => visitor.visit_unit(),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.value.is_nil() || self.value.is_null() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        let this = self.opened()?;
        let (name, value, _visit) = match &this.value {
            Value::String(name) => (name.to_str()?.to_owned(), None, None),
            Value::Table(table) => {
                let single = || Error::invalid_value(Unexpected::Map, &"map with a single key");
                let visit = this.path.enter(table).map_err(Error::custom)?;
                let mut entries = table.pairs::<String, Value>();
                let (name, value) = entries.next().ok_or_else(single)??;
                if entries.next().is_some() {
                    return Err(single());
                }
                let skips = this.path.skips(&value, this.options);
                if skips.map_err(Error::custom)? {
                    return Err(Error::custom("bad enum value"));
                }
                (name, Some(value), Some(visit))
            }
            _ => return Err(Error::custom("bad enum value")),
        };
        visitor.visit_enum(Variant {
            name,
            value,
            options: this.options,
            path: this.path,
        })
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let (table, rest) = self.table()?;
        let length = table.raw_len();
        rest.elements(table, length)?.visit(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let (table, rest) = self.table()?;
        let _visit = rest.path.enter(&table).map_err(Error::custom)?;
        let mut entries = Entries {
            entries: table.entries(rest.options)?,
            value: None,
            processed: 0,
            options: rest.options,
            path: rest.path,
        };
        let map = visitor.visit_map(&mut entries)?;
        match entries.entries.len() {
            0 => Ok(map),
            left => Err(Error::invalid_length(
                entries.processed + left,
                &"fewer elements in the table",
            )),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_map(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let this = self.opened()?;
        if this.value.is_null() {
            visitor.visit_unit()
        } else {
            this.deserialize_any(visitor)
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_unit(visitor)
    }

    ::serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        identifier ignored_any
    }
}

/// The elements of a sequence, one after the other.
struct Elements {
    table: Table,
    /// Of the last one.
    position: usize,
    length: usize,
    options: Options,
    path: Path,
    _visit: Visit,
}

impl Elements {
    fn visit<'de, V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        let sequence = visitor.visit_seq(&mut self)?;
        if self.position >= self.length {
            Ok(sequence)
        } else {
            Err(Error::invalid_length(
                self.length,
                &"fewer elements in the table",
            ))
        }
    }
}

impl<'de> de::SeqAccess<'de> for Elements {
    type Error = Error;

    fn next_element_seed<T: de::DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>> {
        while self.position < self.length {
            self.position += 1;
            let value = self.table.at(self.position)?;
            let skips = self.path.skips(&value, self.options);
            if skips.map_err(Error::custom)? {
                continue;
            }
            let deserializer = Deserializer {
                value,
                options: self.options,
                path: self.path.clone(),
            };
            return seed.deserialize(deserializer).map(Some);
        }
        Ok(None)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.length - self.position)
    }
}

/// The entries of a map, one after the other.
struct Entries {
    entries: std::vec::IntoIter<(Value, Value)>,
    /// The value of the last key.
    value: Option<Value>,
    processed: usize,
    options: Options,
    path: Path,
}

impl<'de> de::MapAccess<'de> for Entries {
    type Error = Error;

    fn next_key_seed<K: de::DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        for (key, value) in self.entries.by_ref() {
            let skips = |value| {
                let skips = self.path.skips(value, self.options);
                skips.map_err(Error::custom)
            };
            if skips(&key)? || skips(&value)? {
                continue;
            }
            self.processed += 1;
            self.value = Some(value);
            let deserializer = Deserializer {
                value: key,
                options: self.options,
                path: self.path.clone(),
            };
            return seed.deserialize(deserializer).map(Some);
        }
        Ok(None)
    }

    fn next_value_seed<V: de::DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value> {
        let value = self.value.take();
        seed.deserialize(Deserializer {
            value: value.ok_or_else(|| Error::custom("value is missing"))?,
            options: self.options,
            path: self.path.clone(),
        })
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.entries.len())
    }
}

/// A variant of an enum.
struct Variant {
    name: String,
    value: Option<Value>,
    options: Options,
    path: Path,
}

impl<'de> de::EnumAccess<'de> for Variant {
    type Error = Error;
    type Variant = Variant;

    fn variant_seed<V: de::DeserializeSeed<'de>>(mut self, seed: V) -> Result<(V::Value, Variant)> {
        let name = std::mem::take(&mut self.name);
        let variant = seed.deserialize(IntoDeserializer::<Error>::into_deserializer(name))?;
        Ok((variant, self))
    }
}

impl Variant {
    /// What it holds, which should be `expected`.
    fn content(self, expected: &str) -> Result<Deserializer> {
        match self.value {
            Some(value) => Ok(Deserializer {
                value,
                options: self.options,
                path: self.path,
            }),
            None => Err(Error::invalid_type(Unexpected::UnitVariant, &expected)),
        }
    }
}

impl<'de> de::VariantAccess<'de> for Variant {
    type Error = Error;

    fn unit_variant(self) -> Result<()> {
        match self.value {
            Some(_) => Err(Error::invalid_type(
                Unexpected::NewtypeVariant,
                &"unit variant",
            )),
            None => Ok(()),
        }
    }

    fn newtype_variant_seed<T: de::DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value> {
        seed.deserialize(self.content("newtype variant")?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value> {
        de::Deserializer::deserialize_seq(self.content("tuple variant")?, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        de::Deserializer::deserialize_map(self.content("struct variant")?, visitor)
    }
}
