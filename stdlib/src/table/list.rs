//! `table.concat`, `table.pack` and `table.unpack`.

use super::element::{Elements, answered_length, ask_length, check, raw_length};
use crate::buffer::{Buffer, append, push_numeral, with_buffer};
use perilune_frontend::number::Number;
use perilune_runtime::error::LuaError;
use perilune_runtime::metatable::Event;
use perilune_runtime::native::{Action, Call, Local, LocalView, NativeResult, RETRIED};

/// The length was asked for.
const LENGTH_KNOWN: u32 = 1;
/// An element was asked for.
const READ: u32 = 2;

/// Elements between two polls.
const ELEMENTS_PER_POLL: i64 = 4096;

/// Slots of `concat` behind its arguments, once an element was asked for: the result so far, the
/// key, the element.
const PARTIAL: u32 = 5;
const KEY: u32 = 6;
const ELEMENT: u32 = 7;

pub(super) fn concat(call: &mut Call<'_>) -> NativeResult {
    match call.state() {
        0 | RETRIED => call.retry_with_room(|call| {
            check(call, 1, &[Event::Index, Event::Len])?;
            call.set_top(4)?;
            match raw_length(call) {
                Some(length) => start_concat(call, length),
                None => ask_length(call, LENGTH_KNOWN),
            }
        }),
        LENGTH_KNOWN => {
            let length = answered_length(call)?;
            start_concat(call, length)
        }
        _ => resume_concat(call),
    }
}

fn start_concat(call: &mut Call<'_>, length: i64) -> NativeResult {
    call.opt_string(2)?;
    let first = call.opt_integer(3, 1)?;
    let last = call.opt_integer(4, length)?;
    call.set_slot(3, Local::integer(first));
    call.set_slot(4, Local::integer(last));
    with_buffer(call, |call, out| {
        let Some(next) = concat_from(call, out, first)? else {
            let result = call.new_string(out)?;
            return Ok(call.return_one(result));
        };
        call.set_top(ELEMENT)?;
        let partial = call.new_userdata(Buffer::default(), None, 0)?;
        let mut detached = out.detach(call)?;
        detached.keep_in(call, partial);
        if let Some(mut kept) = call.userdata_mut::<Buffer>(partial) {
            *kept = detached;
        }
        call.set_slot(PARTIAL, partial);
        Ok(ask_element(call, next))
    })
}

/// Has element `index` read; [`resume_concat`] goes on.
fn ask_element(call: &mut Call<'_>, index: i64) -> Action {
    call.set_slot(KEY, Local::integer(index));
    Action::Index {
        object: 1,
        key: KEY,
        target: ELEMENT,
        state: READ,
    }
}

fn resume_concat(call: &mut Call<'_>) -> NativeResult {
    let LocalView::Userdata(partial) = call.slot(PARTIAL).view() else {
        return Err(call.error("invalid state of 'concat'"));
    };
    let Some(mut out) = call.userdata_mut::<Buffer>(partial) else {
        return Err(call.error("invalid state of 'concat'"));
    };
    call.set_top(ELEMENT)?;
    let next = take_element(call, &mut out);
    out.keep_in(call, partial);
    if let Some(next) = next? {
        call.set_top(ELEMENT)?;
        return Ok(ask_element(call, next));
    }
    let result = call.new_string(&out)?;
    out.release(call, Some(partial));
    Ok(call.return_one(result))
}

/// Appends the element that was read, and those behind it as [`concat_from`].
fn take_element(call: &mut Call<'_>, out: &mut Buffer) -> Result<Option<i64>, LuaError> {
    let index = call.slot(KEY).as_integer().unwrap_or(0);
    let last = call.slot(4).as_integer().unwrap_or(0);
    let value = call.slot(ELEMENT);
    push_element(call, out, index, value)?;
    call.poll()?;
    if index >= last {
        return Ok(None);
    }
    let separator = call.slot(2).as_bytes().unwrap_or(b"");
    append(call, out, separator)?;
    concat_from(call, out, index + 1)
}

/// Appends the elements from `first` on, with separators between; the index of an element that
/// the machine has to read, if there is one.
fn concat_from(call: &mut Call<'_>, out: &mut Buffer, first: i64) -> Result<Option<i64>, LuaError> {
    let elements = Elements::of(call, call.slot(1));
    let separator = call.slot(2).as_bytes().unwrap_or(b"");
    let last = call.slot(4).as_integer().unwrap_or(0);
    if first > last {
        return Ok(None);
    }
    let mut index = first;
    loop {
        let Some(value) = elements.get(call, index) else {
            return Ok(Some(index));
        };
        push_element(call, out, index, value)?;
        if index == last {
            return Ok(None);
        }
        append(call, out, separator)?;
        index += 1;
        if index % ELEMENTS_PER_POLL == 0 {
            call.poll()?;
        }
    }
}

#[inline]
fn push_element(
    call: &mut Call<'_>,
    out: &mut Buffer,
    index: i64,
    value: Local<'_>,
) -> Result<(), LuaError> {
    match value.view() {
        LocalView::String(text) => append(call, out, text.as_bytes())?,
        LocalView::Integer(integer) => push_numeral(call, out, Number::Integer(integer))?,
        LocalView::Float(float) => push_numeral(call, out, Number::Float(float))?,
        _ => {
            let kind = value.type_name();
            let message = format!("invalid value ({kind}) at index {index} in table for 'concat'");
            return Err(call.error(message));
        }
    }
    Ok(())
}

pub(super) fn pack(call: &mut Call<'_>) -> NativeResult {
    let count = call.arg_count();
    let table = call.new_table(count as usize, 1)?;
    for index in 1..=count {
        let value = call.arg(index);
        call.table_set_int(table, i64::from(index), value)?;
    }
    call.table_set_str(table, b"n", Local::integer(i64::from(count)))?;
    Ok(call.return_one(table))
}

/// The first result slot of `unpack`.
const RESULTS: u32 = 4;

pub(super) fn unpack(call: &mut Call<'_>) -> NativeResult {
    match call.state() {
        0 => {
            call.set_top(3)?;
            call.opt_integer(2, 1)?;
            if !call.is_none_or_nil(3) {
                let last = call.check_integer(3)?;
                return start_unpack(call, last);
            }
            match raw_length(call) {
                Some(length) => start_unpack(call, length),
                None => ask_length(call, LENGTH_KNOWN),
            }
        }
        LENGTH_KNOWN => {
            let length = answered_length(call)?;
            start_unpack(call, length)
        }
        _ => {
            let index = call.slot(2).as_integer().unwrap_or(0);
            let last = call.slot(3).as_integer().unwrap_or(0);
            call.poll()?;
            if index == last {
                return Ok(call.return_from(RESULTS));
            }
            unpack_from(call, index + 1, last)
        }
    }
}

fn start_unpack(call: &mut Call<'_>, last: i64) -> NativeResult {
    let first = call.opt_integer(2, 1)?;
    if first > last {
        return Ok(call.return_none());
    }
    let count = (last as u64).wrapping_sub(first as u64);
    const MESSAGE: &str = "too many results to unpack";
    if count >= i32::MAX as u64 || call.ensure_slots(count as u32 + 1, MESSAGE).is_err() {
        return Err(call.error(MESSAGE));
    }
    if let Some(table) = Elements::of(call, call.slot(1)).plain_to_read() {
        call.push_elements(table, first, count as u32 + 1)?;
        return Ok(call.return_from(RESULTS));
    }
    call.set_slot(3, Local::integer(last));
    unpack_from(call, first, last)
}

/// Pushes the elements from `first` on.
fn unpack_from(call: &mut Call<'_>, first: i64, last: i64) -> NativeResult {
    let elements = Elements::of(call, call.slot(1));
    let mut index = first;
    loop {
        let Some(value) = elements.get(call, index) else {
            call.set_slot(2, Local::integer(index));
            let target = call.push(Local::NIL)?;
            return Ok(Action::Index {
                object: 1,
                key: 2,
                target,
                state: READ,
            });
        };
        call.push(value)?;
        if index == last {
            return Ok(call.return_from(RESULTS));
        }
        index += 1;
        if index % ELEMENTS_PER_POLL == 0 {
            call.poll()?;
        }
    }
}
