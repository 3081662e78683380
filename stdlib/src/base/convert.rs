//! `tostring` and `tonumber`, and the conversion that `print` shares with `tostring`.

use perilune_frontend::number::Number;
use perilune_runtime::error::LuaError;
use perilune_runtime::metatable::Event;
use perilune_runtime::native::{Action, Call, Local, NativeResult};

/// What a value's conversion to a string needs.
pub(crate) enum Conversion<'c> {
    /// Nothing more: here it is.
    Done(Vec<u8>),
    /// A call of this metamethod with the value; then [`check_converted`] on its result.
    Call(Local<'c>),
}

/// Begins the conversion of `value` to a string for people.
pub(crate) fn convert<'c>(
    call: &mut Call<'c>,
    value: Local<'c>,
) -> Result<Conversion<'c>, LuaError> {
    // Strings may have one too.
    let metamethod = call.metamethod(value, Event::ToString);
    if !metamethod.is_nil() {
        return Ok(Conversion::Call(metamethod));
    }
    if let Some(bytes) = value.as_bytes() {
        call.check_memory(bytes.len())?;
        return Ok(Conversion::Done(bytes.to_vec()));
    }
    Ok(Conversion::Done(call.to_display(value)?))
}

/// The string that a `__tostring` metamethod gave in `slot`.
pub(crate) fn check_converted<'c>(call: &mut Call<'c>, slot: u32) -> Result<&'c [u8], LuaError> {
    let value = call.slot(slot);
    if let Some(bytes) = value.as_bytes() {
        return Ok(bytes);
    }
    if value.type_name() == "number" {
        return call.check_string(slot);
    }
    Err(call.error("'__tostring' must return a string"))
}

/// `tostring(v)`
pub(super) fn tostring(call: &mut Call<'_>) -> NativeResult {
    if call.state() == 1 {
        let bytes = check_converted(call, 2)?;
        let string = call.new_string(bytes)?;
        return Ok(call.return_one(string));
    }
    let value = call.check_any(1)?;
    if value.as_string().is_some() && call.metamethod(value, Event::ToString).is_nil() {
        return Ok(call.return_one(value));
    }
    match convert(call, value)? {
        Conversion::Done(bytes) => {
            let string = call.new_string(&bytes)?;
            Ok(call.return_one(string))
        }
        Conversion::Call(metamethod) => {
            call.set_top(3)?;
            call.set_slot(2, metamethod);
            call.set_slot(3, value);
            Ok(Action::Call {
                function: 2,
                args: 1,
                results: 1,
                state: 1,
            })
        }
    }
}

/// `tonumber(v [, base])`
pub(super) fn tonumber(call: &mut Call<'_>) -> NativeResult {
    if call.is_none_or_nil(2) {
        let value = call.arg(1);
        if value.type_name() == "number" {
            return Ok(call.return_one(value));
        }
        if let Some(number) = call.to_number(value) {
            return Ok(call.return_one(match number {
                Number::Integer(integer) => Local::integer(integer),
                Number::Float(float) => Local::float(float),
            }));
        }
        call.check_any(1)?;
        return Ok(call.return_one(Local::NIL));
    }
    let base = call.check_integer(2)?;
    let Some(text) = call.arg(1).as_bytes() else {
        return Err(call.type_error(1, "string"));
    };
    if !(2..=36).contains(&base) {
        return Err(call.arg_error(2, "base out of range"));
    }
    let number = parse_in_base(text, base as u32).map_or(Local::NIL, Local::integer);
    Ok(call.return_one(number))
}

/// An integer numeral in a base from 2 to 36, with sign and surrounding space; wraps around.
fn parse_in_base(text: &[u8], base: u32) -> Option<i64> {
    let is_space = |b: &u8| matches!(b, b' ' | b'\x0c' | b'\n' | b'\r' | b'\t' | b'\x0b');
    let start = text.iter().position(|b| !is_space(b))?;
    let end = text.iter().rposition(|b| !is_space(b))? + 1;
    let mut digits = &text[start..end];
    let negative = digits.first() == Some(&b'-');
    if negative || digits.first() == Some(&b'+') {
        digits = &digits[1..];
    }
    if digits.is_empty() {
        return None;
    }
    let mut value: i64 = 0;
    for &byte in digits {
        let digit = char::from(byte).to_digit(base)?;
        value = value
            .wrapping_mul(i64::from(base))
            .wrapping_add(i64::from(digit));
    }
    Some(if negative {
        value.wrapping_neg()
    } else {
        value
    })
}

#[cfg(test)]
mod tests {
    use super::parse_in_base;

    #[test]
    fn numerals_in_bases() {
        let cases: &[(&str, u32, Option<i64>)] = &[
            ("10", 2, Some(2)),
            (" -7fFF\n", 16, Some(-0x7fff)),
            ("+z", 36, Some(35)),
            ("", 10, None),
            ("  ", 10, None),
            ("-", 10, None),
            ("- 1", 10, None),
            ("1 1", 10, None),
            ("2", 2, None),
            ("1e1", 10, None),
            ("ffffffffffffffff", 16, Some(-1)),
            ("7fffffffffffffff", 16, Some(i64::MAX)),
        ];
        for &(text, base, expected) in cases {
            assert_eq!(parse_in_base(text.as_bytes(), base), expected, "{text:?}");
        }
    }
}
