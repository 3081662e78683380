//! The library `utf8` (§6.5).
//!
//! Sequences of up to six bytes encode up to 31 bits; only "lax" functions accept those beyond
//! Unicode.

use crate::buffer::with_buffer;
use perilune_runtime::error::LuaError;
use perilune_runtime::native;
use perilune_runtime::native::{Call, Local, Native, NativeResult, TableRef};

/// The functions of the library, but for `codes`.
pub const FUNCTIONS: &[Native] = &[
    native!("char", char),
    native!("codepoint", codepoint),
    native!("len", len),
    native!("offset", offset),
];

/// The largest code point that can be encoded.
const MAX_CODE: u64 = 0x7fff_ffff;

/// The largest code point of Unicode.
const MAX_UNICODE: u32 = 0x10_ffff;

const INVALID: &str = "invalid UTF-8 code";

/// A pattern that matches one sequence.
const CHARACTER_PATTERN: &[u8] = b"[\0-\x7F\xC2-\xFD][\x80-\xBF]*";

/// Adds `charpattern` and `codes`, whose iterators are made once, to `library`.
pub fn open<'c>(call: &mut Call<'c>, library: TableRef<'c>) -> Result<(), LuaError> {
    let pattern = call.new_string(CHARACTER_PATTERN)?;
    call.table_set_str(library, b"charpattern", pattern)?;
    let strict = call.new_function(native!("codes_iterator", |call| next_code(call, true)))?;
    let lax = call.new_function(native!("codes_iterator", |call| next_code(call, false)))?;
    let codes = call.new_closure(native!("codes", codes, private_upvalues), &[strict, lax])?;
    call.table_set_str(library, b"codes", codes)
}

fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

/// Whether there is a continuation byte at `position`.
fn continues(text: &[u8], position: usize) -> bool {
    text.get(position)
        .is_some_and(|&byte| is_continuation(byte))
}

/// The code point at the start of `text` and its length in bytes. `None` if it is malformed or,
/// when `strict`, none of Unicode.
#[inline]
fn decode(text: &[u8], strict: bool) -> Option<(u32, usize)> {
    match *text {
        [first @ 0..0x80, ..] => Some((u32::from(first), 1)),
        // Two bytes are never too long, too large or a surrogate.
        [first @ 0xc2..=0xdf, second, ..] if is_continuation(second) => {
            Some((u32::from(first & 0x1f) << 6 | u32::from(second & 0x3f), 2))
        }
        [first @ 0xe1..=0xec, second, third, ..]
            if is_continuation(second) && is_continuation(third) =>
        {
            let code = u32::from(first & 0xf) << 12
                | u32::from(second & 0x3f) << 6
                | u32::from(third & 0x3f);
            Some((code, 3))
        }
        _ => decode_rare(text, strict),
    }
}

/// As [`decode`], for any sequence.
fn decode_rare(text: &[u8], strict: bool) -> Option<(u32, usize)> {
    /// The least code point for a sequence with so many continuation bytes.
    const LEAST: [u32; 6] = [u32::MAX, 0x80, 0x800, 0x1_0000, 0x20_0000, 0x400_0000];
    let first = *text.first()?;
    if first < 0x80 {
        return Some((u32::from(first), 1));
    }
    let count = first.leading_ones() as usize - 1;
    let least = *LEAST.get(count)?;
    let mut code = u64::from(first) & (0x3f >> count);
    for &byte in text.get(1..=count)? {
        if !is_continuation(byte) {
            return None;
        }
        code = code << 6 | u64::from(byte & 0x3f);
    }
    if code > MAX_CODE {
        return None;
    }
    let code = code as u32;
    let surrogate = (0xd800..=0xdfff).contains(&code);
    if code < least || strict && (code > MAX_UNICODE || surrogate) {
        return None;
    }
    Some((code, count + 1))
}

/// Appends the encoding of `code`, at most [`MAX_CODE`].
fn encode(out: &mut Vec<u8>, mut code: u32) {
    if code < 0x80 {
        return out.push(code as u8);
    }
    let mut bytes = [0; 6];
    let mut start = bytes.len();
    // What fits in the first byte.
    let mut first_limit = 0x3f;
    while code > first_limit {
        start -= 1;
        bytes[start] = 0x80 | (code & 0x3f) as u8;
        code >>= 6;
        first_limit >>= 1;
    }
    start -= 1;
    bytes[start] = (!first_limit << 1 | code) as u8;
    out.extend_from_slice(&bytes[start..]);
}

/// A relative position as an absolute one; 0 if it is before the start.
fn absolute(position: i64, length: usize) -> i64 {
    if position >= 0 {
        position
    } else {
        (length as i64 + 1).saturating_add(position).max(0)
    }
}

fn len(call: &mut Call<'_>) -> NativeResult {
    let text = call.check_string(1)?;
    let length = text.len() as i64;
    let start = absolute(call.opt_integer(2, 1)?, text.len());
    let end = absolute(call.opt_integer(3, -1)?, text.len());
    let strict = !call.arg(4).is_truthy();
    if !(1..=length + 1).contains(&start) {
        return Err(call.arg_error(2, "initial position out of bounds"));
    }
    if end > length {
        return Err(call.arg_error(3, "final position out of bounds"));
    }
    let (mut position, end) = (start as usize - 1, end as usize);
    let mut count = 0;
    while position < end {
        match decode(&text[position..], strict) {
            Some((_, length)) => position += length,
            None => return call.return_values(&[Local::NIL, Local::integer(position as i64 + 1)]),
        }
        count += 1;
    }
    Ok(call.return_one(Local::integer(count)))
}

fn codepoint(call: &mut Call<'_>) -> NativeResult {
    let text = call.check_string(1)?;
    let length = text.len() as i64;
    let start = absolute(call.opt_integer(2, 1)?, text.len());
    let end = absolute(call.opt_integer(3, start)?, text.len());
    let strict = !call.arg(4).is_truthy();
    if start < 1 {
        return Err(call.arg_error(2, "out of bounds"));
    }
    if end > length {
        return Err(call.arg_error(3, "out of bounds"));
    }
    if start > end {
        return Ok(call.return_none());
    }
    if end - start >= i64::from(i32::MAX) {
        return Err(call.error("string slice too long"));
    }
    call.ensure_slots((end - start) as u32 + 1, "string slice too long")?;
    let (mut position, end) = (start as usize - 1, end as usize);
    let first = call.top() + 1;
    while position < end {
        let Some((code, length)) = decode(&text[position..], strict) else {
            return Err(call.error(INVALID));
        };
        position += length;
        call.push(Local::integer(i64::from(code)))?;
    }
    Ok(call.return_from(first))
}

fn char(call: &mut Call<'_>) -> NativeResult {
    with_buffer(call, |call, out| {
        for argument in 1..=call.arg_count() {
            let code = call.check_integer(argument)? as u64;
            if code > MAX_CODE {
                return Err(call.arg_error(argument, "value out of range"));
            }
            encode(out, code as u32);
        }
        let result = call.new_string(out)?;
        Ok(call.return_one(result))
    })
}

fn offset(call: &mut Call<'_>) -> NativeResult {
    let text = call.check_string(1)?;
    let mut count = call.check_integer(2)?;
    let default = if count >= 0 { 1 } else { text.len() as i64 + 1 };
    let start = absolute(call.opt_integer(3, default)?, text.len());
    if !(1..=text.len() as i64 + 1).contains(&start) {
        return Err(call.arg_error(3, "position out of bounds"));
    }
    let mut position = start as usize - 1;
    if count == 0 {
        while position > 0 && continues(text, position) {
            position -= 1;
        }
        return Ok(call.return_one(Local::integer(position as i64 + 1)));
    }
    if continues(text, position) {
        return Err(call.error("initial position is a continuation byte"));
    }
    if count < 0 {
        while count < 0 && position > 0 {
            position -= 1;
            while position > 0 && continues(text, position) {
                position -= 1;
            }
            count += 1;
        }
    } else {
        // The first character is where it starts.
        count -= 1;
        while count > 0 && position < text.len() {
            position += 1;
            while continues(text, position) {
                position += 1;
            }
            count -= 1;
        }
    }
    let result = if count == 0 {
        Local::integer(position as i64 + 1)
    } else {
        Local::NIL
    };
    Ok(call.return_one(result))
}

fn codes(call: &mut Call<'_>) -> NativeResult {
    let lax = call.arg(2).is_truthy();
    let text = call.check_string(1)?;
    if continues(text, 0) {
        return Err(call.arg_error(1, INVALID));
    }
    let iterator = call.upvalue(if lax { 2 } else { 1 });
    let subject = call.slot(1);
    call.return_values(&[iterator, subject, Local::integer(0)])
}

/// The iterator of `codes`: from the position of a character to the next.
fn next_code(call: &mut Call<'_>, strict: bool) -> NativeResult {
    let text = call.check_string(1)?;
    let previous = call.to_integer(call.arg(2)).unwrap_or(0);
    let mut position = usize::try_from(previous).unwrap_or(usize::MAX);
    while continues(text, position) {
        position += 1;
    }
    if position >= text.len() {
        return Ok(call.return_none());
    }
    match decode(&text[position..], strict) {
        Some((code, length)) if !continues(text, position + length) => call.return_values(&[
            Local::integer(position as i64 + 1),
            Local::integer(i64::from(code)),
        ]),
        _ => Err(call.error(INVALID)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoding_and_decoding() {
        for (code, bytes) in [
            (0x24, &b"\x24"[..]),
            (0x7f, b"\x7f"),
            (0x80, b"\xc2\x80"),
            (0x7ff, b"\xdf\xbf"),
            (0x800, b"\xe0\xa0\x80"),
            (0xffff, b"\xef\xbf\xbf"),
            (0x1_0000, b"\xf0\x90\x80\x80"),
            (0x10_ffff, b"\xf4\x8f\xbf\xbf"),
            (0x1f_ffff, b"\xf7\xbf\xbf\xbf"),
            (0x20_0000, b"\xf8\x88\x80\x80\x80"),
            (0x3ff_ffff, b"\xfb\xbf\xbf\xbf\xbf"),
            (0x400_0000, b"\xfc\x84\x80\x80\x80\x80"),
            (0x7fff_ffff, b"\xfd\xbf\xbf\xbf\xbf\xbf"),
        ] {
            let mut out = Vec::new();
            encode(&mut out, code);
            assert_eq!(out, bytes, "{code:x}");
            assert_eq!(decode(bytes, false), Some((code, bytes.len())));
            assert_eq!(decode(bytes, true).is_some(), code <= MAX_UNICODE);
        }
    }

    #[test]
    fn malformed() {
        for bytes in [
            &b"\x80"[..],
            b"\xbf",
            b"\xc0\x80",
            b"\xe0\x9f\xbf",
            b"\xc3",
            b"\xc3x",
            b"\xf0\x8f\xbf\xbf",
            b"\xfe\xbf\xbf\xbf\xbf\xbf\xbf",
            b"\xff\xbf\xbf\xbf\xbf\xbf\xbf\xbf",
            b"",
        ] {
            assert_eq!(decode(bytes, false), None, "{bytes:x?}");
        }
        assert_eq!(decode(b"\xed\xa0\x80", true), None);
        assert_eq!(decode(b"\xed\xa0\x80", false), Some((0xd800, 3)));
    }

    #[test]
    fn positions() {
        assert_eq!(absolute(-1, 3), 3);
        assert_eq!(absolute(-4, 3), 0);
        assert_eq!(absolute(-5, 3), 0);
        assert_eq!(absolute(i64::MIN, 3), 0);
        assert_eq!(absolute(7, 3), 7);
    }
}
