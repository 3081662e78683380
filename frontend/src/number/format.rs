//! Numbers to strings: Lua's own form (`%.14g`, §3.4.3) and the float conversions of C's `printf`
//! as on x86-64 Linux, for `string.format`.
//!
//! The conversions yield the sign of a negative number (and of a negative NaN) but no other sign,
//! no padding and no upper case: those are the caller's.

use super::Number;

/// `number` as `tostring` gives it.
pub fn number_to_string(number: Number) -> String {
    let mut bytes = Vec::with_capacity(24);
    push_number(&mut bytes, number);
    // Only ASCII was written.
    String::from_utf8(bytes).unwrap_or_default()
}

/// Appends `number` as `tostring` gives it: a float that looks like an integer gets `.0`.
pub fn push_number(out: &mut Vec<u8>, number: Number) {
    match number {
        Number::Integer(integer) => push_integer(out, integer),
        Number::Float(float) => push_float(out, float),
    }
}

/// An integer as `tostring` gives it, without allocating.
pub struct IntegerText {
    bytes: [u8; LONGEST_INTEGER],
    start: usize,
}

/// Bytes of the longest integer: 19 digits and a sign.
const LONGEST_INTEGER: usize = 20;

impl IntegerText {
    /// The text of `integer`.
    pub fn new(integer: i64) -> IntegerText {
        let mut bytes = [0u8; LONGEST_INTEGER];
        let mut start = bytes.len();
        let mut rest = integer.unsigned_abs();
        loop {
            start -= 1;
            bytes[start] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        if integer < 0 {
            start -= 1;
            bytes[start] = b'-';
        }
        IntegerText { bytes, start }
    }

    /// Its bytes: digits, with a sign before them if it is negative.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }
}

fn push_integer(out: &mut Vec<u8>, integer: i64) {
    out.extend_from_slice(IntegerText::new(integer).as_bytes());
}

fn push_float(out: &mut Vec<u8>, float: f64) {
    // Up to 14 digits, "%.14g" prints an integral value as it is.
    if float.abs() < 1e14 && float.trunc() == float {
        if float == 0.0 && float.is_sign_negative() {
            out.push(b'-');
        }
        push_integer(out, float as i64);
        out.extend_from_slice(b".0");
        return;
    }
    let text = format_general(float, 14, false);
    out.extend_from_slice(text.as_bytes());
    // Rounding to 14 digits may have removed the fraction.
    if text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'-')
    {
        out.extend_from_slice(b".0");
    }
}

/// `inf`, `-inf`, `nan` or `-nan`; `None` for a finite number.
fn format_non_finite(float: f64) -> Option<String> {
    if float.is_finite() {
        return None;
    }
    let sign = if float.is_sign_negative() { "-" } else { "" };
    let name = if float.is_nan() { "nan" } else { "inf" };
    Some(format!("{sign}{name}"))
}

/// `%.{precision}g`, with `#` if `alternate` (trailing zeros and the point are kept).
pub fn format_general(float: f64, precision: usize, alternate: bool) -> String {
    if let Some(text) = format_non_finite(float) {
        return text;
    }
    let precision = precision.max(1);
    let (negative, mut digits, exponent) = decimal_digits(float, precision - 1);
    if !alternate {
        let kept = digits.iter().rposition(|&digit| digit != b'0');
        digits.truncate(kept.unwrap_or(0) + 1);
    }
    let mut out = String::with_capacity(precision + 8);
    if negative {
        out.push('-');
    }
    if exponent < -4 || exponent >= precision as i32 {
        push_exponent_form(&mut out, &digits, exponent, alternate);
    } else if exponent < 0 {
        out.push_str("0.");
        out.extend(std::iter::repeat_n('0', (-exponent - 1) as usize));
        push_digits(&mut out, &digits);
    } else {
        let whole = exponent as usize + 1;
        push_digits(&mut out, &digits[..whole.min(digits.len())]);
        out.extend(std::iter::repeat_n('0', whole.saturating_sub(digits.len())));
        if digits.len() > whole {
            out.push('.');
            push_digits(&mut out, &digits[whole..]);
        } else if alternate {
            out.push('.');
        }
    }
    out
}

/// `%.{precision}e`, with `#` if `alternate` (the point is kept).
pub fn format_exponent(float: f64, precision: usize, alternate: bool) -> String {
    if let Some(text) = format_non_finite(float) {
        return text;
    }
    let (negative, digits, exponent) = decimal_digits(float, precision);
    let mut out = String::with_capacity(precision + 8);
    if negative {
        out.push('-');
    }
    push_exponent_form(&mut out, &digits, exponent, alternate);
    out
}

/// `%.{precision}f`, with `#` if `alternate` (the point is kept).
pub fn format_fixed(float: f64, precision: usize, alternate: bool) -> String {
    if let Some(text) = format_non_finite(float) {
        return text;
    }
    let mut out = format!("{float:.precision$}");
    if alternate && precision == 0 {
        out.push('.');
    }
    out
}

/// Sign, `precision + 1` significant digits and decimal exponent of a finite number.
fn decimal_digits(float: f64, precision: usize) -> (bool, Vec<u8>, i32) {
    let text = format!("{:.precision$e}", float.abs());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let digits = mantissa.bytes().filter(|&byte| byte != b'.').collect();
    (
        float.is_sign_negative(),
        digits,
        exponent.parse().unwrap_or(0),
    )
}

fn push_digits(out: &mut String, digits: &[u8]) {
    out.extend(digits.iter().map(|&digit| char::from(digit)));
}

fn push_exponent_form(out: &mut String, digits: &[u8], exponent: i32, alternate: bool) {
    push_digits(out, &digits[..1]);
    if digits.len() > 1 || alternate {
        out.push('.');
    }
    push_digits(out, &digits[1..]);
    out.push('e');
    out.push(if exponent < 0 { '-' } else { '+' });
    out.push_str(&format!("{:02}", exponent.unsigned_abs()));
}

/// `%a`, or `%.{precision}a`, with `#` if `alternate` (the point is kept), as glibc prints it.
pub fn format_hexadecimal(float: f64, precision: Option<usize>, alternate: bool) -> String {
    if let Some(text) = format_non_finite(float) {
        return text;
    }
    const FRACTION_BITS: u32 = 52;
    let bits = float.to_bits();
    let mut fraction = bits & ((1 << FRACTION_BITS) - 1);
    let exponent_field = (bits >> FRACTION_BITS) as i64 & 0x7ff;
    let mut whole = u64::from(exponent_field != 0);
    let exponent = match (exponent_field, fraction) {
        (0, 0) => 0,
        (0, _) => -1022,
        _ => exponent_field - 1023,
    };
    if let Some(precision) = precision.filter(|&precision| precision < 13) {
        let dropped = FRACTION_BITS - 4 * precision as u32;
        let value = whole << FRACTION_BITS | fraction;
        let (quotient, remainder) = (value >> dropped, value & ((1 << dropped) - 1));
        let half = 1 << (dropped - 1);
        let round_up = remainder > half || remainder == half && quotient & 1 == 1;
        let value = (quotient + u64::from(round_up)) << dropped;
        whole = value >> FRACTION_BITS;
        fraction = value & ((1 << FRACTION_BITS) - 1);
    }
    let mut digits = format!("{fraction:013x}");
    match precision {
        None => digits.truncate(digits.trim_end_matches('0').len()),
        Some(precision) if precision <= 13 => digits.truncate(precision),
        Some(precision) => digits.extend(std::iter::repeat_n('0', precision - 13)),
    }
    let sign = if float.is_sign_negative() { "-" } else { "" };
    let point = if alternate || !digits.is_empty() {
        "."
    } else {
        ""
    };
    format!("{sign}0x{whole}{point}{digits}p{exponent:+}")
}
