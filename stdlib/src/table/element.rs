//! Elements of a table argument, raw where that is allowed.

use perilune_runtime::error::LuaError;
use perilune_runtime::metatable::Event;
use perilune_runtime::native::{Action, Call, Local, TableRef};

/// How the elements of a value are reached.
#[derive(Clone, Copy, Debug)]
pub(super) struct Elements<'c> {
    /// The table, if it is one.
    pub(super) table: Option<TableRef<'c>>,
    /// Whether absent elements have to be read by the machine.
    has_index: bool,
    /// Whether absent elements have to be written by the machine.
    has_newindex: bool,
}

impl<'c> Elements<'c> {
    #[inline]
    pub(super) fn of(call: &Call<'c>, value: Local<'c>) -> Self {
        let table = value.as_table();
        let (mut has_index, mut has_newindex) = (false, false);
        if table.is_some() && call.metatable(value).is_some() {
            has_index = !call.metamethod(value, Event::Index).is_nil();
            has_newindex = !call.metamethod(value, Event::NewIndex).is_nil();
        }
        Elements {
            table,
            has_index,
            has_newindex,
        }
    }

    /// The table, if all its elements can be read and written raw.
    #[inline]
    pub(super) fn plain(&self) -> Option<TableRef<'c>> {
        self.table.filter(|_| !self.has_index && !self.has_newindex)
    }

    /// The table, if all its elements can be read raw.
    #[inline]
    pub(super) fn plain_to_read(&self) -> Option<TableRef<'c>> {
        self.table.filter(|_| !self.has_index)
    }

    /// Element `index`; `None` if the machine has to read it.
    #[inline]
    pub(super) fn get(&self, call: &Call<'c>, index: i64) -> Option<Local<'c>> {
        let value = call.table_get_int(self.table?, index);
        (!self.has_index || !value.is_nil()).then_some(value)
    }

    /// Writes element `index`; false if the machine has to do it.
    #[inline]
    pub(super) fn set(
        &self,
        call: &mut Call<'c>,
        index: i64,
        value: Local<'c>,
    ) -> Result<bool, LuaError> {
        let Some(table) = self.table else {
            return Ok(false);
        };
        if self.has_newindex && call.table_get_int(table, index).is_nil() {
            return Ok(false);
        }
        call.table_set_int(table, index, value)?;
        Ok(true)
    }
}

/// Checks that argument `index` is a table or has all metamethods of `events`.
#[inline]
pub(super) fn check(call: &mut Call<'_>, index: u32, events: &[Event]) -> Result<(), LuaError> {
    let value = call.arg(index);
    if value.as_table().is_some() {
        return Ok(());
    }
    let behaves = call.metatable(value).is_some()
        && events
            .iter()
            .all(|&event| !call.metamethod(value, event).is_nil());
    if behaves {
        return Ok(());
    }
    Err(call.type_error(index, "table"))
}

/// The length of argument 1, if it is a table without `__len`.
#[inline]
pub(super) fn raw_length(call: &Call<'_>) -> Option<i64> {
    let value = call.arg(1);
    let table = value.as_table()?;
    if call.metatable(value).is_some() && !call.metamethod(value, Event::Len).is_nil() {
        return None;
    }
    Some(call.table_len(table))
}

/// Has the length of argument 1 pushed; then `state`.
pub(super) fn ask_length(call: &mut Call<'_>, state: u32) -> Result<Action, LuaError> {
    let target = call.push(Local::NIL)?;
    Ok(Action::Length {
        object: 1,
        target,
        state,
    })
}

/// Pops the length that [`ask_length`] had pushed.
pub(super) fn answered_length(call: &mut Call<'_>) -> Result<i64, LuaError> {
    let slot = call.top();
    match call.to_integer(call.slot(slot)) {
        Some(length) => {
            call.set_top(slot - 1)?;
            Ok(length)
        }
        None => Err(call.error("object length is not an integer")),
    }
}
