//! Lua values that serialize: to JSON, for instance.

use super::de::Options;
use super::shape::Path;
use crate::{LuaString, Table, Value};
use ::serde::ser::{Error as _, Serialize, SerializeMap, SerializeSeq, Serializer};

/// A value, and how it is to be serialized; see [`Value::to_serializable`].
///
/// ```
/// let lua = perilune::Lua::new();
/// let value: perilune::Value = lua.load("{print, 1, b = 2}").eval()?;
/// assert!(serde_json::to_string(&value).is_err());
/// let json = serde_json::to_string(&value.to_serializable().deny_unsupported_types(false));
/// assert_eq!(json.expect("text"), "[1]");
/// # Ok::<(), perilune::Error>(())
/// ```
#[derive(Debug)]
pub struct SerializableValue<'a> {
    value: &'a Value,
    options: Options,
    path: Path,
}

impl Value {
    /// The value, to be serialized in other ways than by default.
    pub fn to_serializable(&self) -> SerializableValue<'_> {
        SerializableValue {
            value: self,
            options: Options::default(),
            path: Path::default(),
        }
    }
}

impl SerializableValue<'_> {
    /// Whether what serde has no word for is an error (the default), or left out.
    #[must_use]
    pub fn deny_unsupported_types(mut self, enabled: bool) -> Self {
        self.options.deny_unsupported_types = enabled;
        self
    }

    /// Whether a table that contains itself is an error (the default), or left out there.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let value: perilune::Value = lua.load("local t = { n = 1 } t.t = t return t").eval()?;
    /// assert!(serde_json::to_string(&value).is_err());
    /// let json = serde_json::to_string(&value.to_serializable().deny_recursive_tables(false));
    /// assert_eq!(json.expect("text"), r#"{"n":1}"#);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    #[must_use]
    pub fn deny_recursive_tables(mut self, enabled: bool) -> Self {
        self.options.deny_recursive_tables = enabled;
        self
    }

    /// Whether entries come in the order of their keys.
    ///
    /// ```
    /// use perilune::SerializableValue;
    /// let lua = perilune::Lua::new();
    /// let value: perilune::Value = lua.load("{ b = 1, a = {} }").eval()?;
    /// let sorted: SerializableValue<'_> = value.to_serializable().sort_keys(true);
    /// let json = serde_json::to_string(&sorted.encode_empty_tables_as_array(true));
    /// assert_eq!(json.expect("text"), r#"{"a":[],"b":1}"#);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    #[must_use]
    pub fn sort_keys(mut self, enabled: bool) -> Self {
        self.options.sort_keys = enabled;
        self
    }

    /// Whether a table without entries is a sequence.
    #[must_use]
    pub fn encode_empty_tables_as_array(mut self, enabled: bool) -> Self {
        self.options.encode_empty_tables_as_array = enabled;
        self
    }

    /// Whether a table with a border is a map all the same if it has other keys, and one with holes a
    /// sequence if it has not.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let value: perilune::Value = lua.load("{ 1, 2, n = 2 }").eval()?;
    /// assert_eq!(serde_json::to_string(&value).expect("text"), "[1,2]");
    /// let json = serde_json::to_string(&value.to_serializable().detect_mixed_tables(true).sort_keys(true));
    /// assert_eq!(json.expect("text"), r#"{"1":1,"2":2,"n":2}"#);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    #[must_use]
    pub fn detect_mixed_tables(mut self, enabled: bool) -> Self {
        self.options.detect_mixed_tables = enabled;
        self
    }

    fn within<'b>(&self, value: &'b Value) -> SerializableValue<'b> {
        SerializableValue {
            value,
            options: self.options,
            path: self.path.clone(),
        }
    }

    fn serialize_table<S: Serializer>(
        &self,
        table: &Table,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let _visit = self.path.enter(table).map_err(S::Error::custom)?;
        let skips = |value: &Value| {
            let skips = self.path.skips(value, self.options);
            skips.map_err(S::Error::custom)
        };
        if let Some(length) = table.sequence_length(self.options) {
            let mut sequence = serializer.serialize_seq(Some(length))?;
            for position in 1..=length {
                let value = table.at(position).map_err(S::Error::custom)?;
                if !skips(&value)? {
                    sequence.serialize_element(&self.within(&value))?;
                }
            }
            return sequence.end();
        }
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in table.entries(self.options).map_err(S::Error::custom)? {
            if !skips(&key)? && !skips(&value)? {
                map.serialize_entry(&self.within(&key), &self.within(&value))?;
            }
        }
        map.end()
    }
}

impl Serialize for SerializableValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.value {
            Value::Nil => serializer.serialize_unit(),
            Value::Boolean(b) => serializer.serialize_bool(*b),
            Value::Integer(i) => serializer.serialize_i64(*i),
            Value::Number(n) => serializer.serialize_f64(*n),
            Value::String(s) => s.serialize(serializer),
            Value::Table(table) => self.serialize_table(table, serializer),
            Value::LightUserData(data) if data.0.is_null() => serializer.serialize_none(),
            Value::UserData(userdata) if userdata.is_serializable() => {
                userdata.serialize(serializer)
            }
            other if self.options.deny_unsupported_types => {
                let kind = other.type_name();
                Err(S::Error::custom(format_args!("cannot serialize <{kind}>")))
            }
            _ => serializer.serialize_unit(),
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_serializable().serialize(serializer)
    }
}

impl Serialize for Table {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Value::Table(self.clone()).serialize(serializer)
    }
}

/// As text, or as bytes if it is not UTF-8.
impl Serialize for LuaString {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.to_str() {
            Ok(text) => serializer.serialize_str(&text),
            Err(_) => serializer.serialize_bytes(&self.as_bytes()),
        }
    }
}
