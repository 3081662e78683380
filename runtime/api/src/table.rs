//! Tables from Rust: with metamethods, and raw.

use crate::handle::Handle;
use crate::{Error, FromLua, Integer, IntoLua, Lua, Result, Table, Value};
use perilune_runtime::error::LuaError;
use perilune_runtime::interp::{self, Found};
use perilune_runtime::metatable::{Event, metamethod};
use perilune_runtime::native::Local;
use perilune_runtime::table::{Table as RawTable, TableError};
use perilune_runtime::value as raw;
use std::ffi::c_void;
use std::fmt;
use std::marker::PhantomData;

impl Lua {
    /// An empty table.
    ///
    /// # Errors
    /// Memory.
    pub fn create_table(&self) -> Result<Table> {
        self.create_table_with_capacity(0, 0)
    }

    /// An empty table with room for `array` elements and `fields` string keys.
    ///
    /// # Errors
    /// Memory.
    pub fn create_table_with_capacity(&self, array: usize, fields: usize) -> Result<Table> {
        let mut made = raw::Value::NIL;
        self.with_call(|call| {
            made = Local::from(call.new_table(array, fields)?).raw();
            Ok(())
        })?;
        // Nothing has collected since it was made.
        Ok(Table(Handle::new(&self.state, made)))
    }

    /// A table with these entries.
    ///
    /// # Errors
    /// Memory, or what a conversion says.
    pub fn create_table_from<K: IntoLua, V: IntoLua>(
        &self,
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Table> {
        let table = self.create_table()?;
        for (key, value) in entries {
            table.raw_set(key, value)?;
        }
        Ok(table)
    }

    /// A table with these values, from 1 on.
    ///
    /// # Errors
    /// Memory, or what a conversion says.
    pub fn create_sequence_from<T: IntoLua>(
        &self,
        values: impl IntoIterator<Item = T>,
    ) -> Result<Table> {
        let values = values.into_iter();
        let table = self.create_table_with_capacity(values.size_hint().0.min(1 << 16), 0)?;
        for (n, value) in values.enumerate() {
            table.raw_set(n as i64 + 1, value)?;
        }
        Ok(table)
    }
}

/// What a table is refused.
fn refused(error: TableError) -> Error {
    match error {
        TableError::Memory => Error::memory(),
        TableError::NilKey => Error::runtime("table index is nil"),
        TableError::NaNKey => Error::runtime("table index is NaN"),
        TableError::Overflow => Error::runtime("table overflow"),
    }
}

impl Table {
    fn raised(&self, error: LuaError) -> Error {
        self.0.state.describe(error).into()
    }

    /// The table itself; its state lives.
    fn raw(&self) -> *mut RawTable {
        self.0.raw().as_pointer()
    }

    /// `t[key]`.
    ///
    /// # Errors
    /// What a metamethod raises, or what a conversion says.
    pub fn get<V: FromLua>(&self, key: impl IntoLua) -> Result<V> {
        let lua = self.0.lua()?;
        let key = key.into_lua(&lua)?;
        let raw_key = key.to_raw(&lua.state)?;
        // SAFETY: the handles keep table and key alive.
        let found = unsafe { interp::index_value(&mut *lua.vm(), self.0.raw(), raw_key) };
        let value = match found.map_err(|error| self.raised(error))? {
            Found::Value(value) => Value::from_raw(&lua.state, value),
            Found::Metamethod(function, object) => {
                let (object, key) = (Value::from_raw(&lua.state, object), key);
                let mut results = lua.state.call(function, &[object, key], true)?;
                results.drain(..).next().unwrap_or(Value::Nil)
            }
        };
        V::from_lua(value, &lua)
    }

    /// `t[key] = value`.
    ///
    /// # Errors
    /// What a metamethod raises; nil or NaN as key; memory.
    pub fn set(&self, key: impl IntoLua, value: impl IntoLua) -> Result<()> {
        let lua = self.0.lua()?;
        let (key, value) = (key.into_lua(&lua)?, value.into_lua(&lua)?);
        let (raw_key, raw_value) = (key.to_raw(&lua.state)?, value.to_raw(&lua.state)?);
        // SAFETY: the handles keep all three alive.
        let done = unsafe {
            interp::set_index_value(&mut *lua.vm(), self.0.raw(), raw_key, raw_value, false)
        };
        if let Some((function, object)) = done.map_err(|error| self.raised(error))? {
            let object = Value::from_raw(&lua.state, object);
            lua.state.call(function, &[object, key, value], true)?;
        }
        Ok(())
    }

    /// Whether `t[key]` is not nil.
    ///
    /// # Errors
    /// As [`Table::get`].
    pub fn contains_key(&self, key: impl IntoLua) -> Result<bool> {
        Ok(!self.get::<Value>(key)?.is_nil())
    }

    /// `t[key]`, raw.
    ///
    /// # Errors
    /// What a conversion says.
    pub fn raw_get<V: FromLua>(&self, key: impl IntoLua) -> Result<V> {
        let lua = self.0.lua()?;
        let key = key.into_lua(&lua)?;
        let raw_key = key.to_raw(&lua.state)?;
        // SAFETY: the handles keep table and key alive.
        let value = unsafe { RawTable::get(&(*lua.vm()).heap, self.raw(), raw_key) };
        V::from_lua(Value::from_raw(&lua.state, value), &lua)
    }

    /// `t[key] = value`, raw.
    ///
    /// # Errors
    /// Nil or NaN as key, memory, or what a conversion says.
    pub fn raw_set(&self, key: impl IntoLua, value: impl IntoLua) -> Result<()> {
        let lua = self.0.lua()?;
        let (key, value) = (key.into_lua(&lua)?, value.into_lua(&lua)?);
        let (raw_key, raw_value) = (key.to_raw(&lua.state)?, value.to_raw(&lua.state)?);
        // SAFETY: the handles keep all three alive.
        let result = unsafe {
            let heap = &mut (*lua.vm()).heap;
            RawTable::set(heap, self.raw(), raw_key, raw_value)
        };
        result.map_err(refused)
    }

    /// The border (`#t` without metamethods).
    pub fn raw_len(&self) -> usize {
        match self.0.lua() {
            // SAFETY: the handle keeps the table alive.
            Ok(_) => unsafe { RawTable::border(self.raw()) as usize },
            Err(_) => 0,
        }
    }

    /// `#t`.
    ///
    /// # Errors
    /// What `__len` raises; a length that is no integer.
    pub fn len(&self) -> Result<Integer> {
        let lua = self.0.lua()?;
        // SAFETY: the handle keeps the table alive.
        let function = unsafe { metamethod(&*lua.vm(), self.0.raw(), Event::Len) };
        if function.is_nil() {
            return Ok(self.raw_len() as Integer);
        }
        let operands = [Value::Table(self.clone()), Value::Table(self.clone())];
        let length = lua.state.call(function, &operands, true)?;
        let length = length.into_iter().next().unwrap_or_default();
        match lua.coerce_integer(length)? {
            Some(length) => Ok(length),
            None => Err(Error::runtime("object length is not an integer")),
        }
    }

    /// Whether there are no entries, raw.
    pub fn is_empty(&self) -> bool {
        self.pairs::<Value, Value>().next().is_none()
    }

    /// Appends a value: `t[#t + 1] = value`.
    ///
    /// # Errors
    /// What a metamethod raises; memory; what a conversion says.
    pub fn push(&self, value: impl IntoLua) -> Result<()> {
        self.set(self.len()?.wrapping_add(1), value)
    }

    /// Takes the last element off: `t[#t]`, which becomes nil.
    ///
    /// # Errors
    /// What a metamethod raises, or what a conversion says; the element is gone then.
    pub fn pop<V: FromLua>(&self) -> Result<V> {
        let last = self.len()?;
        let value: Value = self.get(last)?;
        self.set(last, Value::Nil)?;
        V::from_lua(value, &self.0.lua()?)
    }

    /// Appends a value, raw.
    ///
    /// # Errors
    /// Memory, or what a conversion says.
    pub fn raw_push(&self, value: impl IntoLua) -> Result<()> {
        self.raw_set(self.raw_len() as Integer + 1, value)
    }

    /// Takes the last element off, raw; nil when there is none.
    ///
    /// # Errors
    /// What a conversion says; the element is gone then.
    pub fn raw_pop<V: FromLua>(&self) -> Result<V> {
        let last = self.raw_len() as Integer;
        let value: Value = self.raw_get(last)?;
        if last > 0 {
            self.raw_set(last, Value::Nil)?;
        }
        V::from_lua(value, &self.0.lua()?)
    }

    /// Inserts a value at `position`, raw; what is there and behind it moves up.
    ///
    /// # Errors
    /// A position that is neither in the sequence nor just behind it; memory; what a conversion says.
    pub fn raw_insert(&self, position: Integer, value: impl IntoLua) -> Result<()> {
        let lua = self.0.lua()?;
        let value = value.into_lua(&lua)?;
        let length = self.raw_len() as Integer;
        if position < 1 || position > length + 1 {
            return Err(Error::runtime("index out of bounds"));
        }
        for place in (position..=length).rev() {
            self.raw_set(place + 1, self.raw_get::<Value>(place)?)?;
        }
        self.raw_set(position, value)
    }

    /// Removes an entry, raw. For an integer key in the sequence, what is behind it moves down.
    ///
    /// # Errors
    /// An integer key that is not in the sequence; what a conversion says.
    pub fn raw_remove(&self, key: impl IntoLua) -> Result<()> {
        let lua = self.0.lua()?;
        let key = key.into_lua(&lua)?;
        let Value::Integer(position) = key else {
            return self.raw_set(key, Value::Nil);
        };
        let length = self.raw_len() as Integer;
        if position < 1 || position > length {
            return Err(Error::runtime("index out of bounds"));
        }
        for place in position..length {
            self.raw_set(place, self.raw_get::<Value>(place + 1)?)?;
        }
        self.raw_set(length, Value::Nil)
    }

    /// Removes all entries, raw.
    ///
    /// # Errors
    /// Memory.
    pub fn clear(&self) -> Result<()> {
        for entry in self.pairs::<Value, Value>() {
            self.raw_set(entry?.0, Value::Nil)?;
        }
        Ok(())
    }

    /// Whether the tables are equal as `==` in Lua has it, `__eq` included.
    ///
    /// # Errors
    /// What `__eq` raises.
    pub fn equals(&self, other: &Table) -> Result<bool> {
        self.0.equals(&other.0)
    }

    /// The table's address, for comparing and debugging.
    pub fn to_pointer(&self) -> *const c_void {
        self.0.to_pointer()
    }

    /// The metatable.
    pub fn metatable(&self) -> Option<Table> {
        let lua = self.0.lua().ok()?;
        // SAFETY: the handle keeps the table alive.
        let metatable = unsafe { RawTable::metatable(&(*lua.vm()).heap, self.raw()) };
        let metatable = (!metatable.is_null()).then(|| raw::Value::table(metatable))?;
        Some(Table(Handle::new(&self.0.state, metatable)))
    }

    /// Whether there is a metatable.
    pub fn has_metatable(&self) -> bool {
        self.metatable().is_some()
    }

    /// Sets or removes the metatable.
    ///
    /// # Errors
    /// Memory; a metatable of another state.
    pub fn set_metatable(&self, metatable: Option<Table>) -> Result<()> {
        let lua = self.0.lua()?;
        let metatable = match metatable {
            Some(table) => Value::Table(table).to_raw(&lua.state)?,
            None => raw::Value::NIL,
        };
        lua.with_call(|call| {
            // SAFETY: values of this state; the caller's handles keep them alive.
            let (table, metatable) =
                unsafe { (Local::from_raw(self.0.raw()), Local::from_raw(metatable)) };
            call.set_metatable(table, metatable.as_table())
        })
    }

    /// The entries as `next` gives them, without metamethods. Entries may be changed or removed
    /// meanwhile; when some are added, the iteration may end with an error.
    pub fn pairs<K: FromLua, V: FromLua>(&self) -> TablePairs<'_, K, V> {
        TablePairs {
            table: self,
            key: Some(Value::Nil),
            items: PhantomData,
        }
    }

    /// The values from 1 to the first nil, without metamethods.
    pub fn sequence_values<V: FromLua>(&self) -> TableSequence<'_, V> {
        TableSequence {
            table: self,
            next: 1,
            items: PhantomData,
        }
    }

    /// Calls `f` for each entry.
    ///
    /// # Errors
    /// What `f` or a conversion says.
    pub fn for_each<K: FromLua, V: FromLua>(
        &self,
        mut f: impl FnMut(K, V) -> Result<()>,
    ) -> Result<()> {
        self.pairs().try_for_each(|entry| {
            let (key, value) = entry?;
            f(key, value)
        })
    }

    /// Calls `f` for each value from 1 to the first nil.
    ///
    /// # Errors
    /// What `f` or a conversion says.
    pub fn for_each_value<V: FromLua>(&self, f: impl FnMut(V) -> Result<()>) -> Result<()> {
        self.sequence_values().try_for_each(flatten(f))
    }

    /// Writes the table as [`Value::show`] does.
    pub(crate) fn show(
        &self,
        f: &mut fmt::Formatter<'_>,
        indent: usize,
        outer: &mut Vec<*const c_void>,
    ) -> fmt::Result {
        let entries = self.pairs::<Value, Value>().filter_map(Result::ok);
        let mut entries: Vec<(Value, Value)> = entries.collect();
        if entries.is_empty() {
            return f.write_str("{}");
        }
        entries.sort_by(|(a, _), (b, _)| a.order(b));
        let is_sequence = (1..)
            .zip(&entries)
            .all(|(n, (key, _))| *key == Value::Integer(n));
        outer.push(self.to_pointer());
        f.write_str("{\n")?;
        for (key, value) in &entries {
            write!(f, "{:1$}", "", indent + 2)?;
            match key {
                _ if is_sequence => {}
                Value::String(name) if is_name(&name.as_bytes()) => {
                    write!(f, "{} = ", name.display())?;
                }
                key => {
                    f.write_str("[")?;
                    key.show(f, 0, &mut vec![self.to_pointer()])?;
                    f.write_str("] = ")?;
                }
            }
            value.show(f, indent + 2, outer)?;
            f.write_str(",\n")?;
        }
        outer.pop();
        write!(f, "{:1$}}}", "", indent)
    }
}

/// Whether a key could be written as a name (reserved words aside).
fn is_name(key: &[u8]) -> bool {
    let is_letter = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'_';
    key.first().is_some_and(is_letter)
        && key
            .iter()
            .all(|byte| is_letter(byte) || byte.is_ascii_digit())
}

/// `f` for what may have failed before.
fn flatten<V>(mut f: impl FnMut(V) -> Result<()>) -> impl FnMut(Result<V>) -> Result<()> {
    move |value| f(value?)
}

/// `{:#?}` shows what is in the table, in an order of its keys.
impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return self.show(f, 0, &mut Vec::new());
        }
        write!(f, "Table({:?})", self.0)
    }
}

macro_rules! equal_to_sequences {
    ($([$($generics:tt)*] $kind:ty;)*) => {$(
        /// Whether the values from 1 to the border are these.
        impl<T, $($generics)*> PartialEq<$kind> for Table
        where
            T: IntoLua + Clone,
        {
            fn eq(&self, other: &$kind) -> bool {
                let Ok(lua) = self.0.lua() else { return false };
                self.raw_len() == other.len()
                    && (1 as Integer..).zip(other.iter()).all(|(n, expected)| {
                        let found = self.raw_get::<Value>(n);
                        let expected = expected.clone().into_lua(&lua);
                        matches!((found, expected), (Ok(a), Ok(b)) if a == b)
                    })
            }
        }
    )*};
}
equal_to_sequences! {
    [] [T];
    [] &[T];
    [const N: usize] [T; N];
}

/// See [`Table::pairs`].
#[derive(Debug)]
pub struct TablePairs<'a, K, V> {
    table: &'a Table,
    /// The key before the next one; `None` at the end.
    key: Option<Value>,
    items: PhantomData<fn() -> (K, V)>,
}

impl<K: FromLua, V: FromLua> Iterator for TablePairs<'_, K, V> {
    type Item = Result<(K, V)>;

    fn next(&mut self) -> Option<Self::Item> {
        let lua = self.table.0.lua().ok()?;
        let key = self.key.take()?.to_raw(&lua.state).ok()?;
        // SAFETY: the handles keep table and key alive.
        let next = unsafe { RawTable::next(&(*lua.vm()).heap, self.table.raw(), key) };
        let (key, value) = match next {
            Ok(entry) => entry?,
            Err(_) => return Some(Err(Error::runtime("invalid key to 'next'"))),
        };
        let key = Value::from_raw(&lua.state, key);
        let value = Value::from_raw(&lua.state, value);
        let convert = |key| Ok((K::from_lua(key, &lua)?, V::from_lua(value, &lua)?));
        let item = convert(key.clone());
        // An error ends the iteration.
        self.key = item.is_ok().then_some(key);
        Some(item)
    }
}

/// See [`Table::sequence_values`].
#[derive(Debug)]
pub struct TableSequence<'a, V> {
    table: &'a Table,
    next: Integer,
    items: PhantomData<fn() -> V>,
}

impl<V: FromLua> Iterator for TableSequence<'_, V> {
    type Item = Result<V>;

    fn next(&mut self) -> Option<Result<V>> {
        let lua = self.table.0.lua().ok()?;
        match self.table.raw_get(self.next) {
            Ok(Value::Nil) => None,
            Ok(value) => {
                self.next += 1;
                Some(V::from_lua(value, &lua))
            }
            Err(error) => Some(Err(error)),
        }
    }
}
