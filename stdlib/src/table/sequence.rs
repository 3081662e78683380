//! `table.insert`, `table.remove` and `table.move`.

use super::element::{Elements, answered_length, ask_length, check, raw_length};
use super::transfer::Transfer;
use perilune_runtime::error::LuaError;
use perilune_runtime::metatable::Event;
use perilune_runtime::native::{Action, Call, Local, NativeResult, RETRIED};

/// States after the first. A transfer uses `COPYING` and the one after it.
const LENGTH_KNOWN: u32 = 1;
const COPYING: u32 = 2;
const WRITTEN: u32 = 4;
const READ: u32 = 5;
const COMPARED: u32 = 6;

const READ_WRITE_LENGTH: &[Event] = &[Event::Index, Event::NewIndex, Event::Len];

/// Writes element `index` of argument 1, then goes on in [`WRITTEN`] if the machine has to help.
fn write<'c>(
    call: &mut Call<'c>,
    index: i64,
    value: Local<'c>,
) -> Result<Option<Action>, LuaError> {
    if Elements::of(call, call.slot(1)).set(call, index, value)? {
        return Ok(None);
    }
    let key = call.push(Local::integer(index))?;
    let value = call.push(value)?;
    Ok(Some(Action::SetIndex {
        object: 1,
        key,
        value,
        state: WRITTEN,
    }))
}

pub(super) fn insert(call: &mut Call<'_>) -> NativeResult {
    match call.state() {
        // Only the first write may take memory: the others overwrite elements.
        0 | RETRIED => call.retry_with_room(|call| {
            check(call, 1, READ_WRITE_LENGTH)?;
            match raw_length(call) {
                Some(length) => insert_at(call, length),
                None => ask_length(call, LENGTH_KNOWN),
            }
        }),
        LENGTH_KNOWN => {
            let length = answered_length(call)?;
            insert_at(call, length)
        }
        WRITTEN => Ok(call.return_none()),
        _ => match Transfer::resume(call, (1, 1), INSERT_SLOTS, COPYING)? {
            Some(action) => Ok(action),
            None => insert_value(call),
        },
    }
}

/// The first slot behind the arguments of `insert`.
const INSERT_SLOTS: u32 = 4;

fn insert_at(call: &mut Call<'_>, length: i64) -> NativeResult {
    // The first free element.
    let end = length.wrapping_add(1);
    match call.top() {
        2 => {
            let value = call.slot(2);
            match write(call, end, value)? {
                Some(action) => Ok(action),
                None => Ok(call.return_none()),
            }
        }
        3 => {
            let position = call.check_integer(2)?;
            if (position as u64).wrapping_sub(1) >= end as u64 {
                return Err(call.arg_error(2, "position out of bounds"));
            }
            let transfer = Transfer {
                source: 1,
                target: 1,
                from: end.wrapping_sub(1),
                to: end,
                left: end.saturating_sub(position),
                step: -1,
            };
            match transfer.run(call, INSERT_SLOTS, COPYING)? {
                Some(action) => Ok(action),
                None => insert_value(call),
            }
        }
        _ => Err(call.error("wrong number of arguments to 'insert'")),
    }
}

fn insert_value(call: &mut Call<'_>) -> NativeResult {
    let position = call.check_integer(2)?;
    let value = call.slot(3);
    match write(call, position, value)? {
        Some(action) => Ok(action),
        None => Ok(call.return_none()),
    }
}

/// Slots of `remove` behind its arguments: the length, the removed value, the transfer.
const SIZE: u32 = 3;
const REMOVED: u32 = 4;
const REMOVE_SLOTS: u32 = 5;

pub(super) fn remove(call: &mut Call<'_>) -> NativeResult {
    match call.state() {
        0 => {
            check(call, 1, READ_WRITE_LENGTH)?;
            // Keeps the slots behind in place, and "no value" out of messages about argument 2.
            call.set_top(2)?;
            match raw_length(call) {
                Some(length) => remove_at(call, length),
                None => ask_length(call, LENGTH_KNOWN),
            }
        }
        LENGTH_KNOWN => {
            let length = answered_length(call)?;
            remove_at(call, length)
        }
        READ => close_gap(call),
        WRITTEN => Ok(Action::Return {
            first: REMOVED,
            count: 1,
        }),
        _ => match Transfer::resume(call, (1, 1), REMOVE_SLOTS, COPYING)? {
            Some(action) => Ok(action),
            None => remove_last(call),
        },
    }
}

fn remove_at(call: &mut Call<'_>, size: i64) -> NativeResult {
    let position = call.opt_integer(2, size)?;
    if position != size && (position as u64).wrapping_sub(1) > size as u64 {
        return Err(call.arg_error(2, "position out of bounds"));
    }
    let elements = Elements::of(call, call.slot(1));
    if position == size
        && let Some(table) = elements.plain()
    {
        let removed = call.table_get_int(table, size);
        if !removed.is_nil() {
            call.table_set_int(table, size, Local::NIL)?;
        }
        return Ok(call.return_one(removed));
    }
    call.set_slot(2, Local::integer(position));
    call.set_top(REMOVED)?;
    call.set_slot(SIZE, Local::integer(size));
    match elements.get(call, position) {
        Some(removed) => {
            call.set_slot(REMOVED, removed);
            close_gap(call)
        }
        None => Ok(Action::Index {
            object: 1,
            key: 2,
            target: REMOVED,
            state: READ,
        }),
    }
}

/// Moves the elements behind the removed one down.
fn close_gap(call: &mut Call<'_>) -> NativeResult {
    let position = call.slot(2).as_integer().unwrap_or(0);
    let size = call.slot(SIZE).as_integer().unwrap_or(0);
    let transfer = Transfer {
        source: 1,
        target: 1,
        from: position.wrapping_add(1),
        to: position,
        left: size.saturating_sub(position),
        step: 1,
    };
    match transfer.run(call, REMOVE_SLOTS, COPYING)? {
        Some(action) => Ok(action),
        None => remove_last(call),
    }
}

fn remove_last(call: &mut Call<'_>) -> NativeResult {
    let position = call.slot(2).as_integer().unwrap_or(0);
    let size = call.slot(SIZE).as_integer().unwrap_or(0);
    match write(call, position.max(size), Local::NIL)? {
        Some(action) => Ok(action),
        None => Ok(Action::Return {
            first: REMOVED,
            count: 1,
        }),
    }
}

/// The first slot behind the arguments of `move`.
const MOVE_SLOTS: u32 = 6;

/// `table.move`
pub(super) fn move_(call: &mut Call<'_>) -> NativeResult {
    match call.state() {
        0 => start_move(call),
        COMPARED => {
            let same = call.slot(MOVE_SLOTS).is_truthy();
            run_move(call, same)
        }
        _ => {
            let target = move_target(call);
            match Transfer::resume(call, (1, target), MOVE_SLOTS, COPYING)? {
                Some(action) => Ok(action),
                None => Ok(Action::Return {
                    first: target,
                    count: 1,
                }),
            }
        }
    }
}

/// The slot of the destination.
fn move_target(call: &Call<'_>) -> u32 {
    if call.is_none_or_nil(5) { 1 } else { 5 }
}

fn start_move(call: &mut Call<'_>) -> NativeResult {
    let first = call.check_integer(2)?;
    let last = call.check_integer(3)?;
    let to = call.check_integer(4)?;
    let target = move_target(call);
    check(call, 1, &[Event::Index])?;
    check(call, target, &[Event::NewIndex])?;
    call.set_top(5)?;
    if last < first {
        return Ok(Action::Return {
            first: target,
            count: 1,
        });
    }
    if first <= 0 && last >= i64::MAX.wrapping_add(first) {
        return Err(call.arg_error(3, "too many elements to move"));
    }
    let count = last - first + 1;
    if to > i64::MAX - count + 1 {
        return Err(call.arg_error(4, "destination wrap around"));
    }
    // Only an overlap within one table needs to know whether there is one table.
    let (source, destination) = (call.slot(1), call.slot(target));
    let overlapping = to > first && to <= last;
    let mut same = target == 1 || call.raw_equal(source, destination);
    if overlapping && !same {
        let compared = match (source.type_name(), destination.type_name()) {
            ("table", "table") | ("userdata", "userdata") => {
                let metamethod = call.metamethod(source, Event::Eq);
                if metamethod.is_nil() {
                    call.metamethod(destination, Event::Eq)
                } else {
                    metamethod
                }
            }
            _ => Local::NIL,
        };
        if !compared.is_nil() {
            call.push(compared)?;
            call.push(source)?;
            call.push(destination)?;
            return Ok(Action::Call {
                function: MOVE_SLOTS,
                args: 2,
                results: 1,
                state: COMPARED,
            });
        }
        same = false;
    }
    run_move(call, same)
}

fn run_move(call: &mut Call<'_>, same: bool) -> NativeResult {
    let first = call.check_integer(2)?;
    let last = call.check_integer(3)?;
    let to = call.check_integer(4)?;
    let target = move_target(call);
    let count = last - first + 1;
    let backwards = same && to > first && to <= last;
    let transfer = Transfer {
        source: 1,
        target,
        from: if backwards { last } else { first },
        to: if backwards { to + (count - 1) } else { to },
        left: count,
        step: if backwards { -1 } else { 1 },
    };
    match transfer.run(call, MOVE_SLOTS, COPYING)? {
        Some(action) => Ok(action),
        None => Ok(Action::Return {
            first: target,
            count: 1,
        }),
    }
}
