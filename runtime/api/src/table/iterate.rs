//! The entries of a table, and the values of a sequence, one after the other.

use crate::handle::Handle;
use crate::stack::Stack;
use crate::{Error, FromLua, Integer, Result, Table, Value};
use perilune_runtime::table::Table as RawTable;
use perilune_runtime::value as raw;
use std::marker::PhantomData;

/// See [`Table::pairs`].
///
/// ```
/// use perilune::table::TablePairs;
/// let lua = perilune::Lua::new();
/// let table = lua.create_table_from([("a", true)])?;
/// let mut pairs: TablePairs<'_, String, bool> = table.pairs();
/// assert_eq!(pairs.next().transpose()?, Some(("a".to_owned(), true)));
/// assert!(pairs.next().is_none());
/// # Ok::<(), perilune::Error>(())
/// ```
#[derive(Debug)]
pub struct TablePairs<'a, K, V> {
    table: &'a Table,
    /// Holds the key before the next one; `None` at the end.
    key: Option<Handle>,
    items: PhantomData<fn() -> (K, V)>,
}

impl<'a, K, V> TablePairs<'a, K, V> {
    pub(super) fn new(table: &'a Table) -> TablePairs<'a, K, V> {
        let lua = table.0.lua().ok();
        TablePairs {
            table,
            key: lua.map(|lua| Handle::new(&lua.state, raw::Value::NIL)),
            items: PhantomData,
        }
    }

    /// The next entry, of which the handle in `key` is the key from then on.
    fn advance(&mut self) -> Option<Result<(raw::Value, raw::Value)>> {
        let lua = self.table.0.lua().ok()?;
        let handle = self.key.as_ref()?;
        // SAFETY: the handles keep table and key alive.
        let next = unsafe { RawTable::next(&(*lua.vm()).heap, self.table.raw(), handle.raw()) };
        match next {
            Ok(Some((key, value))) => {
                handle.set_raw(key);
                Some(Ok((key, value)))
            }
            Ok(None) => {
                self.key = None;
                None
            }
            Err(_) => {
                self.key = None;
                Some(Err(Error::runtime("invalid key to 'next'")))
            }
        }
    }
}

impl<K: FromLua, V: FromLua> Iterator for TablePairs<'_, K, V> {
    type Item = Result<(K, V)>;

    fn next(&mut self) -> Option<Self::Item> {
        // Also between the two uses of the table.
        let _entered = self.table.0.state.enter();
        let (key, value) = match self.advance()? {
            Ok(entry) => entry,
            Err(error) => return Some(Err(error)),
        };
        let convert = || {
            let lua = self.table.0.lua()?;
            let Some(mut stack) = Stack::new(&lua) else {
                let of = |value| Value::from_raw(&lua.state, value);
                let (key, value) = (of(key), of(value));
                return Ok((K::from_lua(key, &lua)?, V::from_lua(value, &lua)?));
            };
            stack.push_raw(key)?;
            stack.push_raw(value)?;
            let slots = stack.slots();
            Ok((K::from_slot(slots.get(0))?, V::from_slot(slots.get(1))?))
        };
        let item = convert();
        if item.is_err() {
            // An error ends the iteration.
            self.key = None;
        }
        Some(item)
    }
}

/// See [`Table::sequence_values`].
///
/// ```
/// use perilune::table::TableSequence;
/// let lua = perilune::Lua::new();
/// let list = lua.create_sequence_from([2, 3])?;
/// let values: TableSequence<'_, i64> = list.sequence_values();
/// assert_eq!(values.map(Result::unwrap).product::<i64>(), 6);
/// # Ok::<(), perilune::Error>(())
/// ```
#[derive(Debug)]
pub struct TableSequence<'a, V> {
    table: &'a Table,
    next: Integer,
    items: PhantomData<fn() -> V>,
}

impl<'a, V> TableSequence<'a, V> {
    pub(super) fn new(table: &'a Table) -> TableSequence<'a, V> {
        TableSequence {
            table,
            next: 1,
            items: PhantomData,
        }
    }
}

impl<V: FromLua> Iterator for TableSequence<'_, V> {
    type Item = Result<V>;

    #[inline]
    fn next(&mut self) -> Option<Result<V>> {
        let lua = self.table.0.lua().ok()?;
        // SAFETY: the handle keeps the table alive.
        let value = unsafe { RawTable::get_int(self.table.raw(), self.next) };
        if value.is_nil() {
            return None;
        }
        self.next += 1;
        let Some(mut stack) = Stack::new(&lua) else {
            return Some(V::from_lua(Value::from_raw(&lua.state, value), &lua));
        };
        let pushed = stack.push_raw(value);
        Some(pushed.and_then(|()| V::from_slot(stack.slots().get(0))))
    }
}
