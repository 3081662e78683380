//! `string.pack`, `string.packsize` and `string.unpack`.

use super::binary::{
    Field, FormatError, Kind, MAX_SIZE, Reader, push_integer, read_integer, signed_fits,
    unsigned_fits,
};
use super::start_position;
use crate::buffer::{Buffer, append, fill, with_buffer};
use memchr::memchr;
use perilune_runtime::error::LuaError;
use perilune_runtime::native::{Call, Local, NativeResult};

/// The next field of a format.
fn next_field(
    call: &mut Call<'_>,
    reader: &mut Reader<'_>,
    position: usize,
) -> Result<Option<Field>, LuaError> {
    reader.next_field(position).map_err(|error| match error {
        FormatError::Error(message) => call.error(message),
        FormatError::Argument(message) => call.arg_error(1, message),
    })
}

pub(super) fn pack(call: &mut Call<'_>) -> NativeResult {
    let mut reader = Reader::new(call.check_string(1)?);
    // As in the reference, a missing argument is nil in messages.
    call.push(Local::NIL)?;
    with_buffer(call, |call, out| {
        let mut argument = 1;
        while let Some(field) = next_field(call, &mut reader, out.len())? {
            fill(call, out, 0, field.padding)?;
            if !matches!(field.kind, Kind::Padding | Kind::Alignment | Kind::Nothing) {
                argument += 1;
            }
            pack_field(call, out, field, reader.little, argument)?;
        }
        let result = call.new_string(out)?;
        Ok(call.return_one(result))
    })
}

fn pack_field(
    call: &mut Call<'_>,
    out: &mut Buffer,
    field: Field,
    little: bool,
    argument: u32,
) -> Result<(), LuaError> {
    let size = field.size;
    match field.kind {
        Kind::Signed => {
            let value = call.check_integer(argument)?;
            if !signed_fits(value, size) {
                return Err(call.arg_error(argument, "integer overflow"));
            }
            push_integer(out, value, size, little, true);
        }
        Kind::Unsigned => {
            let value = call.check_integer(argument)?;
            if !unsigned_fits(value as u64, size) {
                return Err(call.arg_error(argument, "unsigned overflow"));
            }
            push_integer(out, value, size, little, false);
        }
        Kind::Float => {
            let value = call.check_number(argument)? as f32;
            push_integer(out, i64::from(value.to_bits()), size, little, false);
        }
        Kind::Double => {
            let value = call.check_number(argument)?;
            push_integer(out, value.to_bits() as i64, size, little, false);
        }
        Kind::Fixed => {
            let text = call.check_string(argument)?;
            if text.len() > size {
                return Err(call.arg_error(argument, "string longer than given size"));
            }
            append(call, out, text)?;
            fill(call, out, 0, size - text.len())?;
        }
        Kind::Prefixed => {
            let text = call.check_string(argument)?;
            if !unsigned_fits(text.len() as u64, size) {
                let message = "string length does not fit in given size";
                return Err(call.arg_error(argument, message));
            }
            push_integer(out, text.len() as i64, size, little, false);
            append(call, out, text)?;
        }
        Kind::ZeroEnded => {
            let text = call.check_string(argument)?;
            if memchr(0, text).is_some() {
                return Err(call.arg_error(argument, "string contains zeros"));
            }
            append(call, out, text)?;
            out.push(0);
        }
        Kind::Padding => out.push(0),
        Kind::Alignment | Kind::Nothing => {}
    }
    Ok(())
}

pub(super) fn packsize(call: &mut Call<'_>) -> NativeResult {
    let mut reader = Reader::new(call.check_string(1)?);
    let mut total = 0;
    while let Some(field) = next_field(call, &mut reader, total)? {
        if matches!(field.kind, Kind::Prefixed | Kind::ZeroEnded) {
            return Err(call.arg_error(1, "variable-length format"));
        }
        total += field.size + field.padding;
        if total > MAX_SIZE {
            return Err(call.arg_error(1, "format result too large"));
        }
    }
    Ok(call.return_one(Local::integer(total as i64)))
}

pub(super) fn unpack(call: &mut Call<'_>) -> NativeResult {
    let mut reader = Reader::new(call.check_string(1)?);
    let data = call.check_string(2)?;
    let mut position = start_position(call.opt_integer(3, 1)?, data.len()) - 1;
    if position > data.len() {
        return Err(call.arg_error(3, "initial position out of string"));
    }
    let first = call.top() + 1;
    while let Some(field) = next_field(call, &mut reader, position)? {
        if field.padding + field.size > data.len() - position {
            return Err(call.arg_error(2, "data string too short"));
        }
        position += field.padding;
        // The value and the final position.
        call.ensure_slots(2, "too many results")?;
        position += unpack_field(call, field, reader.little, &data[position..])?;
    }
    call.push(Local::integer(position as i64 + 1))?;
    Ok(call.return_from(first))
}

/// Pushes the value of a field at the start of `data`, which has at least its size. How many
/// bytes it takes.
fn unpack_field(
    call: &mut Call<'_>,
    field: Field,
    little: bool,
    data: &[u8],
) -> Result<usize, LuaError> {
    let (bytes, rest) = data.split_at(field.size);
    let raw = |size: usize| read_integer(&data[..size], little, false).unwrap_or(0);
    let (value, length) = match field.kind {
        Kind::Signed | Kind::Unsigned => {
            let value = integer(call, bytes, little, field.kind == Kind::Signed)?;
            (Local::integer(value), 0)
        }
        Kind::Float => (Local::float(f32::from_bits(raw(4) as u32).into()), 0),
        Kind::Double => (Local::float(f64::from_bits(raw(8) as u64)), 0),
        Kind::Fixed => (call.new_string(bytes)?, 0),
        Kind::Prefixed => {
            let length = integer(call, bytes, little, false)? as usize;
            let Some(text) = rest.get(..length) else {
                return Err(call.arg_error(2, "data string too short"));
            };
            (call.new_string(text)?, length)
        }
        Kind::ZeroEnded => {
            let Some(length) = memchr(0, rest) else {
                return Err(call.arg_error(2, "unfinished string for format 'z'"));
            };
            (call.new_string(&rest[..length])?, length + 1)
        }
        Kind::Padding | Kind::Alignment | Kind::Nothing => return Ok(field.size),
    };
    call.push(value)?;
    Ok(field.size + length)
}

fn integer(call: &mut Call<'_>, bytes: &[u8], little: bool, signed: bool) -> Result<i64, LuaError> {
    read_integer(bytes, little, signed).ok_or_else(|| {
        let size = bytes.len();
        call.error(format!("{size}-byte integer does not fit into Lua Integer"))
    })
}
