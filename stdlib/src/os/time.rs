//! `os.time` and `os.difftime`.
//!
//! `os.time` reads the fields of a date table and writes them back normalised, both with
//! metamethods. While fields are read, slot 1 is the table and slots 2 to 8 are the fields in the
//! order of [`FIELDS`]; while they are written, slots 2 to 10 are the values, slot 11 the result
//! (nil if there is none) and slot 12 the key.

use super::date::date_fields;
use perilune_runtime::error::LuaError;
use perilune_runtime::native::{Action, Call, Local, NativeResult};
use perilune_runtime::sys::{self, BrokenTime};

/// A field of a date table that is read.
struct Field {
    name: &'static str,
    /// The value when it is absent; `None`: it must not be.
    default: Option<i32>,
    /// What is subtracted from the value.
    delta: i32,
}

/// The integer fields, in the order in which they are read; `isdst` follows.
const FIELDS: [Field; 6] = [
    field("year", None, 1900),
    field("month", None, 1),
    field("day", None, 0),
    field("hour", Some(12), 0),
    field("min", Some(0), 0),
    field("sec", Some(0), 0),
];
const DAYLIGHT: &str = "isdst";

/// In state `n` up to here field `n - 1` has just been read.
const LAST_READ_STATE: u32 = FIELDS.len() as u32 + 1;
/// In state `WRITE_STATE + n` field `n - 1` of [`date_fields`] has just been written.
const WRITE_STATE: u32 = 16;
const RESULT_SLOT: u32 = 11;
const KEY_SLOT: u32 = 12;

const fn field(name: &'static str, default: Option<i32>, delta: i32) -> Field {
    Field {
        name,
        default,
        delta,
    }
}

pub(super) fn os_time(call: &mut Call<'_>) -> NativeResult {
    match call.state() {
        0 => start(call),
        state if state <= LAST_READ_STATE => {
            let index = state - 1;
            if let Some(field) = FIELDS.get(index as usize) {
                let value = call.slot(index + 2);
                field_value(call, field, value)?;
            }
            read_from(call, state)
        }
        state => write_from(call, state - WRITE_STATE),
    }
}

fn start(call: &mut Call<'_>) -> NativeResult {
    if call.is_none_or_nil(1) {
        return result(call, sys::unix_time());
    }
    let table = call.check_table(1)?;
    call.set_top(1)?;
    if call.metatable(table.into()).is_some() {
        return read_from(call, 0);
    }
    let mut values = [0; FIELDS.len()];
    for (value, field) in values.iter_mut().zip(&FIELDS) {
        let raw = call.table_get_str(table, field.name.as_bytes());
        *value = field_value(call, field, raw)?;
    }
    let daylight = call.table_get_str(table, DAYLIGHT.as_bytes());
    let mut time = broken_time(values, daylight);
    let seconds = sys::make_time(&mut time);
    for (name, value) in date_fields(&time) {
        if !value.is_nil() {
            call.table_set_str(table, name.as_bytes(), value)?;
        }
    }
    result(call, seconds)
}

/// Returns the time, unless there is none or C could not tell it from none.
fn result(call: &mut Call<'_>, seconds: Option<i64>) -> NativeResult {
    match seconds {
        Some(seconds) if seconds != -1 => Ok(call.return_one(Local::integer(seconds))),
        _ => Err(call.error("time result cannot be represented in this installation")),
    }
}

/// Reads the fields from number `index` on, one per step, then computes the time.
fn read_from(call: &mut Call<'_>, index: u32) -> NativeResult {
    if index == LAST_READ_STATE {
        return compute(call);
    }
    let name = FIELDS
        .get(index as usize)
        .map_or(DAYLIGHT, |field| field.name);
    let key = call.new_string(name.as_bytes())?;
    call.set_top(index + 1)?;
    let target = call.push(key)?;
    Ok(Action::Index {
        object: 1,
        key: target,
        target,
        state: index + 1,
    })
}

/// Computes the time from the slots and begins writing the fields back.
fn compute(call: &mut Call<'_>) -> NativeResult {
    let mut values = [0; FIELDS.len()];
    for (index, field) in FIELDS.iter().enumerate() {
        let raw = call.slot(index as u32 + 2);
        values[index] = field_value(call, field, raw)?;
    }
    let mut time = broken_time(values, call.slot(LAST_READ_STATE + 1));
    let seconds = sys::make_time(&mut time);
    call.set_top(1)?;
    for (_, value) in date_fields(&time) {
        call.push(value)?;
    }
    call.push(seconds.map_or(Local::NIL, Local::integer))?;
    write_from(call, 0)
}

/// Writes the fields from number `index` on, one per step, then returns the time.
fn write_from(call: &mut Call<'_>, mut index: u32) -> NativeResult {
    let names = date_fields(&BrokenTime::default()).map(|(name, _)| name);
    while let Some(name) = names.get(index as usize) {
        let value = index + 2;
        index += 1;
        if call.slot(value).is_nil() {
            continue;
        }
        let key = call.new_string(name.as_bytes())?;
        call.set_top(KEY_SLOT)?;
        call.set_slot(KEY_SLOT, key);
        return Ok(Action::SetIndex {
            object: 1,
            key: KEY_SLOT,
            value,
            state: WRITE_STATE + index,
        });
    }
    let seconds = call.slot(RESULT_SLOT).as_integer();
    result(call, seconds)
}

/// The value of a field, checked.
fn field_value(call: &mut Call<'_>, field: &Field, raw: Local<'_>) -> Result<i32, LuaError> {
    let name = field.name;
    let Some(value) = call.to_integer(raw) else {
        if !raw.is_nil() {
            return Err(call.error(format!("field '{name}' is not an integer")));
        }
        return field
            .default
            .ok_or_else(|| call.error(format!("field '{name}' missing in date table")));
    };
    value
        .checked_sub(i64::from(field.delta))
        .and_then(|value| i32::try_from(value).ok())
        .ok_or_else(|| call.error(format!("field '{name}' is out-of-bound")))
}

fn broken_time(values: [i32; 6], daylight: Local<'_>) -> BrokenTime {
    let [year, month, day, hour, minute, second] = values;
    BrokenTime {
        second,
        minute,
        hour,
        day,
        month,
        year,
        daylight: if daylight.is_nil() {
            -1
        } else {
            i32::from(daylight.is_truthy())
        },
        ..BrokenTime::default()
    }
}

pub(super) fn os_difftime(call: &mut Call<'_>) -> NativeResult {
    let later = call.check_integer(1)?;
    let earlier = call.check_integer(2)?;
    // Exact where the difference fits, and rounded once otherwise.
    let difference = i128::from(later) - i128::from(earlier);
    Ok(call.return_one(Local::float(difference as f64)))
}
