//! Tables from Rust: with metamethods, and raw.

mod iterate;
mod show;

pub use crate::handle::Table;
pub use iterate::{TablePairs, TableSequence};

use crate::handle::Handle;
use crate::stack::Stack;
use crate::{Error, FromLua, Integer, IntoLua, Lua, Result, Value};
use perilune_runtime::error::LuaError;
use perilune_runtime::interp::{self, Found};
use perilune_runtime::metatable::{Event, metamethod};
use perilune_runtime::native::Local;
use perilune_runtime::table::{Table as RawTable, TableError};
use perilune_runtime::value as raw;
use std::ffi::c_void;

impl Lua {
    /// An empty table.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let table = lua.create_table()?;
    /// table.set("x", 1)?;
    /// assert_eq!((table.get::<i64>("x")?, table.get::<Option<i64>>("y")?), (1, None));
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// Memory.
    pub fn create_table(&self) -> Result<Table> {
        self.create_table_with_capacity(0, 0)
    }

    /// An empty table with room for `array` elements and `fields` string keys.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let squares = lua.create_table_with_capacity(100, 0)?;
    /// for n in 1..=100 {
    ///     squares.raw_set(n, n * n)?;
    /// }
    /// assert_eq!(squares.raw_len(), 100);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// Memory.
    pub fn create_table_with_capacity(&self, array: usize, fields: usize) -> Result<Table> {
        let _entered = self.enter();
        self.safepoint();
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
    /// ```
    /// let lua = perilune::Lua::new();
    /// let table = lua.create_table_from([("x", 1), ("y", 2)])?;
    /// assert_eq!(table.get::<i64>("y")?, 2);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// Memory, or what a conversion says.
    pub fn create_table_from<K: IntoLua, V: IntoLua>(
        &self,
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Table> {
        let entries = entries.into_iter();
        let table = self.create_table_with_capacity(0, expected(entries.size_hint().0))?;
        for (key, value) in entries {
            table.raw_set(key, value)?;
        }
        Ok(table)
    }

    /// A table with these values, from 1 on.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let list = lua.create_sequence_from(["a", "b"])?;
    /// assert_eq!(list.get::<String>(2)?, "b");
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// Memory, or what a conversion says.
    pub fn create_sequence_from<T: IntoLua>(
        &self,
        values: impl IntoIterator<Item = T>,
    ) -> Result<Table> {
        let values = values.into_iter();
        let table = self.create_table_with_capacity(expected(values.size_hint().0), 0)?;
        let Some(mut stack) = Stack::new(self) else {
            for (n, value) in values.enumerate() {
                table.raw_set(n as Integer + 1, value)?;
            }
            return Ok(table);
        };
        let entered = self.enter();
        let (vm, raw) = (entered.vm(), table.raw());
        for (n, value) in values.enumerate() {
            value.push_into_stack(&mut stack)?;
            let value = stack.pop_raw();
            // SAFETY: the handle, which nobody else has, keeps the table alive, and the value was just had.
            unsafe { RawTable::set_int(&mut (*vm).heap, raw, n as Integer + 1, value) }
                .map_err(refused)?;
        }
        Ok(table)
    }
}

/// How many entries to make room for, when so many are announced: the announcement may be wrong.
fn expected(count: usize) -> usize {
    count.min(1 << 16)
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
    #[inline]
    fn raw(&self) -> *mut RawTable {
        self.0.raw().as_pointer()
    }

    /// `t[key]`.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let table: perilune::Table = lua.load("setmetatable({}, {__index = function(_, k) return k .. '!' end})").eval()?;
    /// assert_eq!(table.get::<String>("a")?, "a!");
    /// assert_eq!(table.raw_get::<Option<String>>("a")?, None);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// What a metamethod raises, or what a conversion says.
    pub fn get<V: FromLua>(&self, key: impl IntoLua) -> Result<V> {
        let lua = self.0.lua()?;
        let Some(mut stack) = Stack::new(&lua) else {
            let key = key.into_lua(&lua)?;
            return V::from_lua(self.find_elsewhere(&lua, &key)?, &lua);
        };
        key.push_into_stack(&mut stack)?;
        self.find(&mut stack)?;
        V::from_slot(stack.slots().get(0))
    }

    /// Puts `t[key]` in place of the key that was pushed.
    #[inline]
    fn find(&self, stack: &mut Stack<'_>) -> Result<()> {
        let lua = stack.lua();
        let key = stack.pushed(0);
        // SAFETY: the handle keeps the table alive, the stack the key.
        let found = unsafe { interp::index_value(&mut *lua.state.vm(), self.0.raw(), key) };
        match found {
            Ok(Found::Value(value)) => stack.replace_raw(value),
            Ok(Found::Metamethod(function, object)) => {
                stack.pop_raw();
                stack.push_raw(function)?;
                stack.push_raw(object)?;
                stack.push_raw(key)?;
                stack.call_for_one()?;
            }
            Err(error) => return Err(self.raised(error)),
        }
        Ok(())
    }

    /// `t[key]`, between two instructions of a Lua function.
    #[cold]
    fn find_elsewhere(&self, lua: &Lua, key: &Value) -> Result<Value> {
        let raw_key = key.to_raw(&lua.state)?;
        // SAFETY: the handles keep table and key alive.
        let found = unsafe { interp::index_value(&mut *lua.state.vm(), self.0.raw(), raw_key) };
        match found.map_err(|error| self.raised(error))? {
            Found::Value(value) => Ok(Value::from_raw(&lua.state, value)),
            Found::Metamethod(function, object) => {
                let operands = [Value::from_raw(&lua.state, object), key.clone()];
                let results = lua.state.call(function, &operands, true)?;
                Ok(results.into_iter().next().unwrap_or_default())
            }
        }
    }

    /// `t[key] = value`.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let table = lua.globals();
    /// table.set("greeting", "hello")?;
    /// assert_eq!(lua.load("#greeting").eval::<i64>()?, 5);
    /// assert!(table.set(perilune::Nil, 1).is_err());
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// What a metamethod raises; nil or NaN as key; memory.
    pub fn set(&self, key: impl IntoLua, value: impl IntoLua) -> Result<()> {
        let lua = self.0.lua()?;
        let Some(mut stack) = Stack::new(&lua) else {
            return self.store_elsewhere(&lua, &key.into_lua(&lua)?, &value.into_lua(&lua)?);
        };
        key.push_into_stack(&mut stack)?;
        value.push_into_stack(&mut stack)?;
        self.store(&mut stack)
    }

    /// `t[key] = value` with the key and the value that were pushed.
    #[inline]
    fn store(&self, stack: &mut Stack<'_>) -> Result<()> {
        let lua = stack.lua();
        let (key, value) = (stack.pushed(0), stack.pushed(1));
        // SAFETY: the handle keeps the table alive, the stack the others.
        let done = unsafe {
            interp::set_index_value(&mut *lua.state.vm(), self.0.raw(), key, value, false)
        };
        match done {
            Ok(None) => Ok(()),
            Ok(Some((function, object))) => {
                stack.pop_raw();
                stack.pop_raw();
                stack.push_raw(function)?;
                stack.push_raw(object)?;
                stack.push_raw(key)?;
                stack.push_raw(value)?;
                stack.call().map(|_| ())
            }
            Err(error) => Err(self.raised(error)),
        }
    }

    /// `t[key] = value`, between two instructions of a Lua function.
    #[cold]
    fn store_elsewhere(&self, lua: &Lua, key: &Value, value: &Value) -> Result<()> {
        let (raw_key, raw_value) = (key.to_raw(&lua.state)?, value.to_raw(&lua.state)?);
        // SAFETY: the handles keep all three alive.
        let done = unsafe {
            interp::set_index_value(
                &mut *lua.state.vm(),
                self.0.raw(),
                raw_key,
                raw_value,
                false,
            )
        };
        if let Some((function, object)) = done.map_err(|error| self.raised(error))? {
            let object = Value::from_raw(&lua.state, object);
            let operands = [object, key.clone(), value.clone()];
            lua.state.call(function, &operands, true)?;
        }
        Ok(())
    }

    /// Whether `t[key]` is not nil.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let table = lua.create_table_from([("x", false)])?;
    /// assert!(table.contains_key("x")? && !table.contains_key("y")?);
    /// # Ok::<(), perilune::Error>(())
    /// ```
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
        let Some(mut stack) = Stack::new(&lua) else {
            let key = key.into_lua(&lua)?;
            let value = self.element(&lua, key.to_raw(&lua.state)?);
            return V::from_lua(Value::from_raw(&lua.state, value), &lua);
        };
        key.push_into_stack(&mut stack)?;
        let value = self.element(&lua, stack.pushed(0));
        stack.replace_raw(value);
        V::from_slot(stack.slots().get(0))
    }

    /// What is at a key, which the caller keeps alive.
    #[inline]
    fn element(&self, lua: &Lua, key: raw::Value) -> raw::Value {
        // SAFETY: the handle keeps the table alive.
        unsafe { RawTable::get(&(*lua.state.vm()).heap, self.raw(), key) }
    }

    /// `t[key] = value`, raw.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let table: perilune::Table = lua.load("setmetatable({}, {__newindex = error})").eval()?;
    /// assert!(table.set("x", 1).is_err());
    /// table.raw_set("x", 1)?;
    /// assert_eq!(table.raw_get::<i64>("x")?, 1);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// Nil or NaN as key, memory, or what a conversion says.
    pub fn raw_set(&self, key: impl IntoLua, value: impl IntoLua) -> Result<()> {
        let lua = self.0.lua()?;
        let Some(mut stack) = Stack::new(&lua) else {
            let (key, value) = (key.into_lua(&lua)?, value.into_lua(&lua)?);
            return self.set_element(&lua, key.to_raw(&lua.state)?, value.to_raw(&lua.state)?);
        };
        key.push_into_stack(&mut stack)?;
        value.push_into_stack(&mut stack)?;
        let (key, value) = (stack.pushed(0), stack.pushed(1));
        self.set_element(&lua, key, value)
    }

    /// Sets what is at a key; the caller keeps both alive.
    #[inline]
    fn set_element(&self, lua: &Lua, key: raw::Value, value: raw::Value) -> Result<()> {
        // SAFETY: the handle keeps the table alive.
        let done = unsafe { RawTable::set(&mut (*lua.state.vm()).heap, self.raw(), key, value) };
        done.map_err(refused)
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
    /// ```
    /// let lua = perilune::Lua::new();
    /// let table: perilune::Table = lua.load("setmetatable({1, 2}, {__len = function() return 7 end})").eval()?;
    /// assert_eq!((table.len()?, table.raw_len()), (7, 2));
    /// # Ok::<(), perilune::Error>(())
    /// ```
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
        let length: Value = lua.call_value(function, (self, self))?;
        match lua.coerce_integer(length)? {
            Some(length) => Ok(length),
            None => Err(Error::runtime("object length is not an integer")),
        }
    }

    /// Whether there are no entries, raw.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let table = lua.create_table()?;
    /// assert!(table.is_empty());
    /// table.set("x", 1)?;
    /// assert!(!table.is_empty());
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn is_empty(&self) -> bool {
        self.pairs::<Value, Value>().next().is_none()
    }

    /// Appends a value: `t[#t + 1] = value`.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let list = lua.create_table()?;
    /// list.push("a")?;
    /// list.push("b")?;
    /// assert_eq!(list.pop::<String>()?, "b");
    /// assert_eq!(list.len()?, 1);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// What a metamethod raises; memory; what a conversion says.
    pub fn push(&self, value: impl IntoLua) -> Result<()> {
        let _lua = self.0.lua()?;
        self.set(self.len()?.wrapping_add(1), value)
    }

    /// Takes the last element off: `t[#t]`, which becomes nil.
    ///
    /// # Errors
    /// What a metamethod raises, or what a conversion says; the element is gone then.
    pub fn pop<V: FromLua>(&self) -> Result<V> {
        let lua = self.0.lua()?;
        let last = self.len()?;
        let value: Value = self.get(last)?;
        self.set(last, Value::Nil)?;
        V::from_lua(value, &lua)
    }

    /// Appends a value, raw.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let list = lua.create_sequence_from([1])?;
    /// list.raw_push(2)?;
    /// assert_eq!(list.raw_pop::<i64>()?, 2);
    /// assert_eq!(list.raw_pop::<i64>()?, 1);
    /// assert_eq!(list.raw_pop::<Option<i64>>()?, None);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// Memory, or what a conversion says.
    pub fn raw_push(&self, value: impl IntoLua) -> Result<()> {
        let _lua = self.0.lua()?;
        self.raw_set(self.raw_len() as Integer + 1, value)
    }

    /// Takes the last element off, raw; nil when there is none.
    ///
    /// # Errors
    /// What a conversion says; the element is gone then.
    pub fn raw_pop<V: FromLua>(&self) -> Result<V> {
        let lua = self.0.lua()?;
        let last = self.raw_len() as Integer;
        let value: Value = self.raw_get(last)?;
        if last > 0 {
            self.raw_set(last, Value::Nil)?;
        }
        V::from_lua(value, &lua)
    }

    /// Inserts a value at `position`, raw; what is there and behind it moves up.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let list = lua.create_sequence_from(["a", "c"])?;
    /// list.raw_insert(2, "b")?;
    /// assert_eq!(list.get::<String>(3)?, "c");
    /// assert!(list.raw_insert(5, "e").is_err());
    /// # Ok::<(), perilune::Error>(())
    /// ```
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
    /// ```
    /// let lua = perilune::Lua::new();
    /// let list = lua.create_sequence_from(["a", "b", "c"])?;
    /// list.raw_remove(1)?;
    /// assert_eq!((list.get::<String>(1)?, list.raw_len()), ("b".to_owned(), 2));
    /// # Ok::<(), perilune::Error>(())
    /// ```
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
    /// ```
    /// let lua = perilune::Lua::new();
    /// let table = lua.create_table_from([("x", 1)])?;
    /// table.clear()?;
    /// assert!(table.is_empty());
    /// # Ok::<(), perilune::Error>(())
    /// ```
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
    /// ```
    /// let lua = perilune::Lua::new();
    /// let (a, b): (perilune::Table, perilune::Table) = lua.load(
    ///     "local mt = {__eq = function() return true end}
    ///     return setmetatable({}, mt), setmetatable({}, mt)",
    /// ).eval()?;
    /// assert!(a.equals(&b)? && a != b);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// What `__eq` raises.
    pub fn equals(&self, other: &Table) -> Result<bool> {
        self.0.equals(&other.0)
    }

    /// The table's address, for comparing and debugging.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let table = lua.create_table()?;
    /// assert_eq!(table.to_pointer(), table.clone().to_pointer());
    /// assert_ne!(table.to_pointer(), lua.create_table()?.to_pointer());
    /// # Ok::<(), perilune::Error>(())
    /// ```
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
    /// ```
    /// let lua = perilune::Lua::new();
    /// let (table, defaults) = (lua.create_table()?, lua.create_table_from([("depth", 3)])?);
    /// table.set_metatable(Some(lua.create_table_from([("__index", defaults)])?))?;
    /// assert_eq!(table.get::<i64>("depth")?, 3);
    /// assert!(table.has_metatable());
    /// table.set_metatable(None)?;
    /// assert!(table.metatable().is_none());
    /// # Ok::<(), perilune::Error>(())
    /// ```
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
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let table = lua.create_table_from([("a", 1), ("b", 2)])?;
    /// let mut sum = 0;
    /// for entry in table.pairs::<String, i64>() {
    ///     let (_key, value) = entry?;
    ///     sum += value;
    /// }
    /// assert_eq!(sum, 3);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn pairs<K: FromLua, V: FromLua>(&self) -> TablePairs<'_, K, V> {
        TablePairs::new(self)
    }

    /// The values from 1 to the first nil, without metamethods.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let list: perilune::Table = lua.load("{1, 2, 3, nil, 5}").eval()?;
    /// let values = list.sequence_values().collect::<perilune::Result<Vec<i64>>>()?;
    /// assert_eq!(values, [1, 2, 3]);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn sequence_values<V: FromLua>(&self) -> TableSequence<'_, V> {
        TableSequence::new(self)
    }

    /// Calls `f` for each entry.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let table = lua.create_table_from([("a", 1), ("b", 2)])?;
    /// let mut names = Vec::new();
    /// table.for_each(|name: String, _: i64| Ok(names.push(name)))?;
    /// names.sort();
    /// assert_eq!(names, ["a", "b"]);
    /// # Ok::<(), perilune::Error>(())
    /// ```
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
    /// ```
    /// let lua = perilune::Lua::new();
    /// let list = lua.create_sequence_from([1, 2, 3])?;
    /// let mut sum = 0;
    /// list.for_each_value(|n: i64| {
    ///     sum += n;
    ///     Ok(())
    /// })?;
    /// assert_eq!(sum, 6);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// What `f` or a conversion says.
    pub fn for_each_value<V: FromLua>(&self, f: impl FnMut(V) -> Result<()>) -> Result<()> {
        self.sequence_values().try_for_each(flatten(f))
    }
}

/// `f` for what may have failed before.
fn flatten<V>(mut f: impl FnMut(V) -> Result<()>) -> impl FnMut(Result<V>) -> Result<()> {
    move |value| f(value?)
}
