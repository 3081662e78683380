//! Tables from Rust: with metamethods, and raw.

use crate::handle::Handle;
use crate::{Error, FromLua, IntoLua, Lua, Result, Table, Value};
use perilune_runtime::error::LuaError;
use perilune_runtime::interp::{self, Found};
use perilune_runtime::native::Local;
use perilune_runtime::table::{Table as RawTable, TableError};
use perilune_runtime::value as raw;
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

impl Table {
    /// The state that the table belongs to.
    fn lua(&self) -> Lua {
        Lua {
            state: self.0.state.clone(),
        }
    }

    fn raised(&self, error: LuaError) -> Error {
        self.0.state.describe(error).into()
    }

    /// `t[key]`.
    ///
    /// # Errors
    /// What a metamethod raises, or what a conversion says.
    pub fn get<V: FromLua>(&self, key: impl IntoLua) -> Result<V> {
        let lua = self.lua();
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
        let lua = self.lua();
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
        let lua = self.lua();
        let key = key.into_lua(&lua)?;
        let raw_key = key.to_raw(&lua.state)?;
        // SAFETY: the handles keep table and key alive.
        let value = unsafe { RawTable::get(&(*lua.vm()).heap, self.0.raw().as_pointer(), raw_key) };
        V::from_lua(Value::from_raw(&lua.state, value), &lua)
    }

    /// `t[key] = value`, raw.
    ///
    /// # Errors
    /// Nil or NaN as key, memory, or what a conversion says.
    pub fn raw_set(&self, key: impl IntoLua, value: impl IntoLua) -> Result<()> {
        let lua = self.lua();
        let (key, value) = (key.into_lua(&lua)?, value.into_lua(&lua)?);
        let (raw_key, raw_value) = (key.to_raw(&lua.state)?, value.to_raw(&lua.state)?);
        // SAFETY: the handles keep all three alive.
        let result = unsafe {
            let heap = &mut (*lua.vm()).heap;
            RawTable::set(heap, self.0.raw().as_pointer(), raw_key, raw_value)
        };
        result.map_err(|error| match error {
            TableError::Memory => Error::MemoryError,
            TableError::NilKey => Error::runtime("table index is nil"),
            TableError::NaNKey => Error::runtime("table index is NaN"),
            TableError::Overflow => Error::runtime("table overflow"),
        })
    }

    /// The border (`#t` without metamethods).
    pub fn raw_len(&self) -> usize {
        // SAFETY: the handle keeps the table alive.
        unsafe { RawTable::border(self.0.raw().as_pointer()) as usize }
    }

    /// Appends a value, raw.
    ///
    /// # Errors
    /// Memory, or what a conversion says.
    pub fn raw_push(&self, value: impl IntoLua) -> Result<()> {
        self.raw_set(self.raw_len() as i64 + 1, value)
    }

    /// Takes the last element off, raw; nil when there is none.
    ///
    /// # Errors
    /// What a conversion says; the element is gone then.
    pub fn raw_pop<V: FromLua>(&self) -> Result<V> {
        let last = self.raw_len() as i64;
        let value: Value = self.raw_get(last)?;
        if last > 0 {
            self.raw_set(last, Value::Nil)?;
        }
        V::from_lua(value, &self.lua())
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

    /// Whether there are no entries, raw.
    pub fn is_empty(&self) -> bool {
        self.pairs::<Value, Value>().next().is_none()
    }

    /// The metatable.
    pub fn metatable(&self) -> Option<Table> {
        // SAFETY: the handle keeps the table alive.
        unsafe {
            let vm = self.0.state.vm();
            let metatable = RawTable::metatable(&(*vm).heap, self.0.raw().as_pointer());
            if metatable.is_null() {
                return None;
            }
            Some(Table(Handle::new(
                &self.0.state,
                raw::Value::table(metatable),
            )))
        }
    }

    /// Sets or removes the metatable.
    ///
    /// # Errors
    /// Memory; a metatable of another state.
    pub fn set_metatable(&self, metatable: Option<Table>) -> Result<()> {
        let lua = self.lua();
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
    pub fn pairs<K: FromLua, V: FromLua>(&self) -> TablePairs<K, V> {
        TablePairs {
            table: self.clone(),
            key: Some(Value::Nil),
            items: PhantomData,
        }
    }

    /// The values from 1 to the first nil, without metamethods.
    pub fn sequence_values<V: FromLua>(&self) -> TableSequence<V> {
        TableSequence {
            table: self.clone(),
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
}

/// See [`Table::pairs`].
#[derive(Debug)]
pub struct TablePairs<K, V> {
    table: Table,
    /// The key before the next one; `None` at the end.
    key: Option<Value>,
    items: PhantomData<fn() -> (K, V)>,
}

impl<K: FromLua, V: FromLua> Iterator for TablePairs<K, V> {
    type Item = Result<(K, V)>;

    fn next(&mut self) -> Option<Self::Item> {
        let lua = self.table.lua();
        let key = self.key.take()?.to_raw(&lua.state).ok()?;
        // SAFETY: the handles keep table and key alive.
        let next = unsafe {
            let table = self.table.0.raw().as_pointer();
            RawTable::next(&(*lua.vm()).heap, table, key)
        };
        let (key, value) = match next {
            Ok(entry) => entry?,
            Err(_) => return Some(Err(Error::runtime("invalid key to 'next'"))),
        };
        let key = Value::from_raw(&lua.state, key);
        let value = Value::from_raw(&lua.state, value);
        self.key = Some(key.clone());
        let convert = || Ok((K::from_lua(key, &lua)?, V::from_lua(value, &lua)?));
        Some(convert())
    }
}

/// See [`Table::sequence_values`].
#[derive(Debug)]
pub struct TableSequence<V> {
    table: Table,
    next: i64,
    items: PhantomData<fn() -> V>,
}

impl<V: FromLua> Iterator for TableSequence<V> {
    type Item = Result<V>;

    fn next(&mut self) -> Option<Result<V>> {
        match self.table.raw_get(self.next) {
            Ok(Value::Nil) => None,
            Ok(value) => {
                self.next += 1;
                Some(V::from_lua(value, &self.table.lua()))
            }
            Err(error) => Some(Err(error)),
        }
    }
}
