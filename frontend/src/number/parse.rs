//! Strings to numbers (§3.1 lexical form, §3.4.3 conversions): decimal and hexadecimal integers
//! and floats, surrounded by any white space.
//!
//! Hexadecimal integers wrap around; decimal integers that overflow become floats. There are no
//! `inf` and `nan`. Both float forms are rounded correctly.

use super::Number;

/// Whether C's `isspace` holds in the C locale.
#[inline]
pub fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// The number that `text` denotes, or `None` if it denotes none.
pub fn str_to_number(text: &[u8]) -> Option<Number> {
    let start = text.iter().position(|&byte| !is_space(byte))?;
    let end = text.iter().rposition(|&byte| !is_space(byte))? + 1;
    let text = &text[start..end];
    let (negative, digits) = match text[0] {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    match digits {
        [b'0', b'x' | b'X', hex @ ..] => hexadecimal(hex, negative),
        _ => decimal(digits, negative),
    }
}

fn decimal(digits: &[u8], negative: bool) -> Option<Number> {
    if let Some(integer) = decimal_integer(digits, negative) {
        return Some(Number::Integer(integer));
    }
    if !is_decimal_float(digits) {
        return None;
    }
    let float: f64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some(Number::Float(if negative { -float } else { float }))
}

fn decimal_integer(digits: &[u8], negative: bool) -> Option<i64> {
    if digits.is_empty() {
        return None;
    }
    let mut value = 0u64;
    for &byte in digits {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(u64::from(byte - b'0'))?;
    }
    if value > i64::MAX as u64 + u64::from(negative) {
        return None;
    }
    let value = value as i64;
    Some(if negative {
        value.wrapping_neg()
    } else {
        value
    })
}

/// Whether `text` is `digits [. digits] [e [sign] digits]` with a digit before the exponent.
fn is_decimal_float(text: &[u8]) -> bool {
    let mut rest = text;
    let mut mantissa_digits = skip_digits(&mut rest);
    if let [b'.', tail @ ..] = rest {
        rest = tail;
        mantissa_digits += skip_digits(&mut rest);
    }
    if mantissa_digits == 0 {
        return false;
    }
    if let [b'e' | b'E', tail @ ..] = rest {
        rest = tail;
        if let [b'+' | b'-', tail @ ..] = rest {
            rest = tail;
        }
        if skip_digits(&mut rest) == 0 {
            return false;
        }
    }
    rest.is_empty()
}

fn skip_digits(text: &mut &[u8]) -> usize {
    let count = text.iter().take_while(|b| b.is_ascii_digit()).count();
    *text = &text[count..];
    count
}

fn hexadecimal(text: &[u8], negative: bool) -> Option<Number> {
    if !text.is_empty() && text.iter().all(u8::is_ascii_hexdigit) {
        let value = text.iter().fold(0u64, |value, &byte| {
            value.wrapping_shl(4) | u64::from(hex_value(byte))
        }) as i64;
        return Some(Number::Integer(if negative {
            value.wrapping_neg()
        } else {
            value
        }));
    }
    let float = hex_float(text)?;
    Some(Number::Float(if negative { -float } else { float }))
}

/// The value of a hexadecimal digit.
pub fn hex_value(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        _ => (byte | 0x20) - b'a' + 10,
    }
}

/// The float `digits [. digits] [p [sign] decimal digits]` that follows `0x`.
fn hex_float(text: &[u8]) -> Option<f64> {
    let mut mantissa = 0u64;
    // Whether a digit that found no room in `mantissa` was not zero.
    let mut sticky = false;
    let mut exponent = 0i64;
    let mut any_digit = false;
    let mut after_dot = false;
    let mut rest = text;
    while let [byte, tail @ ..] = rest {
        match byte {
            b'.' if !after_dot => after_dot = true,
            _ if byte.is_ascii_hexdigit() => {
                any_digit = true;
                let digit = hex_value(*byte);
                if mantissa >> 60 == 0 {
                    mantissa = mantissa << 4 | u64::from(digit);
                    exponent -= i64::from(after_dot) * 4;
                } else {
                    sticky |= digit != 0;
                    exponent += i64::from(!after_dot) * 4;
                }
            }
            _ => break,
        }
        rest = tail;
    }
    if !any_digit {
        return None;
    }
    if let [b'p' | b'P', tail @ ..] = rest {
        rest = tail;
        let mut negative = false;
        if let [sign @ (b'+' | b'-'), tail @ ..] = rest {
            negative = *sign == b'-';
            rest = tail;
        }
        let digits = rest;
        if skip_digits(&mut rest) == 0 {
            return None;
        }
        let magnitude =
            digits
                .iter()
                .take_while(|b| b.is_ascii_digit())
                .fold(0i64, |value, byte| {
                    // Far beyond what any exponent or mantissa length can compensate.
                    (value * 10 + i64::from(byte - b'0')).min(1 << 48)
                });
        exponent += if negative { -magnitude } else { magnitude };
    }
    rest.is_empty()
        .then(|| scale_by_power_of_two(mantissa, sticky, exponent))
}

/// `mantissa * 2^exponent`, plus a little when `sticky`, rounded to nearest even.
fn scale_by_power_of_two(mantissa: u64, sticky: bool, exponent: i64) -> f64 {
    if mantissa == 0 {
        return 0.0;
    }
    let shift = mantissa.leading_zeros();
    let mantissa = u128::from(mantissa << shift);
    // The value is in [2^top, 2^(top+1)).
    let top = exponent - i64::from(shift) + 63;
    if top > 1023 {
        return f64::INFINITY;
    }
    let kept_bits = if top >= -1022 { 53 } else { 53 + 1022 + top };
    if kept_bits < 0 {
        return 0.0;
    }
    let dropped_bits = 64 - kept_bits;
    let quotient = mantissa >> dropped_bits;
    let remainder = mantissa & ((1 << dropped_bits) - 1);
    let half = 1u128 << (dropped_bits - 1);
    let round_up = remainder > half || remainder == half && (sticky || quotient & 1 == 1);
    let rounded = quotient as u64 + u64::from(round_up);
    // The leading bit of a normal number adds one to the exponent field, and so does a carry.
    let exponent_field = if top >= -1022 { (top + 1022) as u64 } else { 0 };
    f64::from_bits((exponent_field << 52) + rounded)
}
