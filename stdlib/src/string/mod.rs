//! The library `string` (§6.4): the functions that need no pattern, format or packing, and the
//! metatable of strings.
//!
//! - `byte_set`, `pattern`, `matcher`: patterns compiled and matched; `find` and `gsub` use them.
//! - `conversion`, `format`: `string.format`.
//! - `binary`, `pack`: `string.pack` and its kin.
//! - `arithmetic`: arithmetic on strings that look like numbers.

mod arithmetic;
mod binary;
mod byte_set;
mod conversion;
mod find;
mod format;
mod gsub;
mod matcher;
mod pack;
mod pattern;

use perilune_runtime::error::LuaError;
use perilune_runtime::native;
use perilune_runtime::native::{Call, Local, Native, NativeResult, TableRef};

/// The functions of the library.
pub const FUNCTIONS: &[Native] = &[
    native!("byte", byte, intrinsic Byte),
    native!("char", char),
    native!("dump", dump),
    native!("find", find::find),
    native!("format", format::format),
    native!("gmatch", find::gmatch),
    native!("gsub", gsub::gsub),
    native!("len", len),
    native!("lower", lower),
    native!("match", find::match_),
    native!("pack", pack::pack),
    native!("packsize", pack::packsize),
    native!("rep", rep),
    native!("reverse", reverse),
    native!("sub", sub, intrinsic Sub),
    native!("unpack", pack::unpack),
    native!("upper", upper),
];

/// How long a result of `rep` may be, as in PUC.
const MAX_SIZE: usize = i32::MAX as usize;

/// Gives strings their metatable, with `library` as `__index`.
pub fn open<'c>(call: &mut Call<'c>, library: TableRef<'c>) -> Result<(), LuaError> {
    let metatable = call.new_table(0, arithmetic::METAMETHODS.len() + 1)?;
    for &metamethod in arithmetic::METAMETHODS {
        let function = call.new_function(metamethod)?;
        let name = metamethod.description.name;
        call.table_set_str(metatable, name.as_bytes(), function)?;
    }
    call.table_set_str(metatable, b"__index", Local::from(library))?;
    let any_string = call.new_string(b"")?;
    call.set_metatable(any_string, Some(metatable))
}

/// A relative position as a start, counted from 1: at least 1, perhaps beyond the end.
pub(crate) fn start_position(position: i64, length: usize) -> usize {
    match position {
        1.. => position as usize,
        0 => 1,
        _ => length.saturating_sub(position.unsigned_abs() as usize) + 1,
    }
}

/// A relative position as an end, counted from 1: from 0 to `length`.
fn end_position(position: i64, length: usize) -> usize {
    if position >= 0 {
        (position as usize).min(length)
    } else {
        (length + 1).saturating_sub(position.unsigned_abs() as usize)
    }
}

fn len(call: &mut Call<'_>) -> NativeResult {
    let length = call.check_string(1)?.len();
    Ok(call.return_one(Local::integer(length as i64)))
}

fn sub(call: &mut Call<'_>) -> NativeResult {
    call.retry_with_room(sub_once)
}

fn sub_once(call: &mut Call<'_>) -> NativeResult {
    let text = call.check_string(1)?;
    let start = start_position(call.check_integer(2)?, text.len());
    let end = end_position(call.opt_integer(3, -1)?, text.len());
    let result = if start == 1 && end == text.len() {
        call.slot(1)
    } else {
        let part = text.get(start - 1..end).unwrap_or(b"");
        call.new_string(part)?
    };
    Ok(call.return_one(result))
}

fn reverse(call: &mut Call<'_>) -> NativeResult {
    let text = call.check_string(1)?;
    transformed(call, text, |out| out.reverse())
}

fn lower(call: &mut Call<'_>) -> NativeResult {
    let text = call.check_string(1)?;
    transformed(call, text, <[u8]>::make_ascii_lowercase)
}

fn upper(call: &mut Call<'_>) -> NativeResult {
    let text = call.check_string(1)?;
    transformed(call, text, <[u8]>::make_ascii_uppercase)
}

/// Returns a copy of `text` that `transform` has changed.
fn transformed(call: &mut Call<'_>, text: &[u8], transform: fn(&mut [u8])) -> NativeResult {
    call.retry_with_room(|call| {
        let result = call.new_string_with(text.len(), |_, out| {
            out.copy_from_slice(text);
            transform(out);
            Ok(())
        })?;
        Ok(call.return_one(result))
    })
}

fn rep(call: &mut Call<'_>) -> NativeResult {
    call.retry_with_room(rep_once)
}

fn rep_once(call: &mut Call<'_>) -> NativeResult {
    let text = call.check_string(1)?;
    let count = call.check_integer(2)?;
    let separator = call.opt_string(3)?.unwrap_or(b"");
    let count = usize::try_from(count).unwrap_or(0);
    let unit = text.len() + separator.len();
    if count == 0 || unit == 0 {
        let empty = call.new_string(b"")?;
        return Ok(call.return_one(empty));
    }
    if unit > MAX_SIZE / count {
        return Err(call.error("resulting string too large"));
    }
    if count == 1 {
        let result = call.slot(1);
        return Ok(call.return_one(result));
    }
    // At least one unit, as there are at least two texts.
    let total = count * unit - separator.len();
    let result = call.new_string_with(total, |call, out| {
        out[..text.len()].copy_from_slice(text);
        out[text.len()..unit].copy_from_slice(separator);
        // Copying what is there doubles it, up to pieces that leave the cache in peace.
        const LARGEST_PIECE: usize = 1 << 16;
        let largest_piece = LARGEST_PIECE.next_multiple_of(unit);
        let mut filled = unit;
        while filled < total {
            let piece = filled.min(largest_piece).min(total - filled);
            out.copy_within(..piece, filled);
            filled += piece;
            if piece == largest_piece {
                call.poll()?;
            }
        }
        Ok(())
    })?;
    Ok(call.return_one(result))
}

fn byte(call: &mut Call<'_>) -> NativeResult {
    let text = call.check_string(1)?;
    let position = call.opt_integer(2, 1)?;
    let start = start_position(position, text.len());
    let end = end_position(call.opt_integer(3, position)?, text.len());
    if start > end {
        return Ok(call.return_none());
    }
    let bytes = text.get(start - 1..end).unwrap_or(b"");
    if let [byte] = bytes {
        return Ok(call.return_one(Local::integer(i64::from(*byte))));
    }
    if bytes.len() > MAX_SIZE {
        return Err(call.error("string slice too long"));
    }
    call.ensure_slots(bytes.len() as u32, "string slice too long")?;
    let first = call.top() + 1;
    for &byte in bytes {
        call.push(Local::integer(i64::from(byte)))?;
    }
    Ok(call.return_from(first))
}

fn char(call: &mut Call<'_>) -> NativeResult {
    let count = call.arg_count();
    let result = call.new_string_with(count as usize, |call, out| {
        for (argument, byte) in (1..=count).zip(out) {
            *byte = u8::try_from(call.check_integer(argument)?)
                .map_err(|_| call.arg_error(argument, "value out of range"))?;
        }
        Ok(())
    })?;
    Ok(call.return_one(result))
}

fn dump(call: &mut Call<'_>) -> NativeResult {
    let strip = call.arg(2).is_truthy();
    let function = call.check_function(1)?;
    match call.dump(function, strip) {
        Some(bytes) => {
            let result = call.new_string(&bytes)?;
            Ok(call.return_one(result))
        }
        None => Err(call.error("unable to dump given function")),
    }
}

#[cfg(test)]
mod tests {
    use super::{end_position, start_position};

    #[test]
    fn relative_positions() {
        for (position, start, end) in [
            (1, 1, 1),
            (0, 1, 0),
            (-1, 5, 5),
            (-5, 1, 1),
            (-6, 1, 0),
            (-7, 1, 0),
            (6, 6, 5),
            (i64::MIN, 1, 0),
            (i64::MAX, i64::MAX as usize, 5),
        ] {
            assert_eq!(start_position(position, 5), start, "{position}");
            assert_eq!(end_position(position, 5), end, "{position}");
        }
    }
}
