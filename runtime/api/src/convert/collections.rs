//! Lists, maps and sets: tables in Lua.
//!
//! A list takes the values from 1 to the first nil. A set takes the values of a table that has any
//! there, and the keys of another one.

use super::{FromLua, IntoLua};
use crate::names::type_name;
use crate::{Error, Lua, Result, Table, Value};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, Hash};

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
impl<T: IntoLua> IntoLua for Box<[T]> {
    fn into_lua(self, lua: &Lua) -> Result<Value> {
        self.into_vec().into_lua(lua)
    }
}
impl<T: FromLua> FromLua for Vec<T> {
    fn from_lua(value: Value, _: &Lua) -> Result<Vec<T>> {
        table::<Self>(value, "expected table")?
            .sequence_values()
            .collect()
    }
}
impl<T: FromLua> FromLua for Box<[T]> {
    fn from_lua(value: Value, lua: &Lua) -> Result<Box<[T]>> {
        Vec::from_lua(value, lua).map(Vec::into_boxed_slice)
    }
}
impl<T: FromLua, const N: usize> FromLua for [T; N] {
    fn from_lua(value: Value, _: &Lua) -> Result<[T; N]> {
        let expected = format!("expected table of length {N}");
        let values = table::<Self>(value, &expected)?;
        let values: Vec<T> = values.sequence_values().collect::<Result<_>>()?;
        <[T; N]>::try_from(values).map_err(|values| {
            let why = format!("{expected}, got {}", values.len());
            Error::from_lua("table", &type_name::<Self>(), Some(&why))
        })
    }
}

/// The table that a value is, for a conversion to `To`.
fn table<To>(value: Value, why: &str) -> Result<Table> {
    match value {
        Value::Table(table) => Ok(table),
        other => Err(Error::from_lua(
            other.type_name(),
            &type_name::<To>(),
            Some(why),
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
        table::<Self>(value, "expected table")?.pairs().collect()
    }
}
impl<K: Ord + IntoLua, V: IntoLua> IntoLua for BTreeMap<K, V> {
    fn into_lua(self, lua: &Lua) -> Result<Value> {
        lua.create_table_from(self).map(Value::Table)
    }
}
impl<K: Ord + FromLua, V: FromLua> FromLua for BTreeMap<K, V> {
    fn from_lua(value: Value, _: &Lua) -> Result<Self> {
        table::<Self>(value, "expected table")?.pairs().collect()
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
        set(&table::<Self>(value, "expected table")?)
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
        set(&table::<Self>(value, "expected table")?)
    }
}

/// The elements of a set.
fn set<T: FromLua, C: FromIterator<T>>(table: &Table) -> Result<C> {
    if table.raw_len() > 0 {
        return table.sequence_values().collect();
    }
    table
        .pairs::<T, Value>()
        .map(|entry| entry.map(|(key, _)| key))
        .collect()
}
