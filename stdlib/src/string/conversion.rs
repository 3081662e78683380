//! The conversions of `string.format`, as C's `printf` does them on x86-64 Linux.
//!
//! No state: a [`Spec`] says how, each `push_*` function appends one converted value.

use perilune_frontend::number::format::{format_exponent, format_general, format_hexadecimal};
use perilune_frontend::number::{Number, push_number};
use std::io::Write;

/// Flags allowed for `a`, `e`, `f` and `g`.
pub(crate) const FLOAT_FLAGS: &[u8] = b"-+#0 ";
/// Flags allowed for `o` and `x`.
pub(crate) const HEXADECIMAL_FLAGS: &[u8] = b"-#0";
/// Flags allowed for `d` and `i`.
pub(crate) const INTEGER_FLAGS: &[u8] = b"-+0 ";
/// Flags allowed for `u`.
pub(crate) const UNSIGNED_FLAGS: &[u8] = b"-0";
/// Flags allowed for `c`, `p` and `s`.
pub(crate) const TEXT_FLAGS: &[u8] = b"-";

/// The part of `format`, which begins behind a `%`, that makes up a conversion specification:
/// flags, width, precision and one more character. `None` if it is too long.
pub(crate) fn specification(format: &[u8]) -> Option<&[u8]> {
    const LONGEST: usize = 21;
    let is_modifier = |byte: &u8| matches!(byte, b'-' | b'+' | b'#' | b' ' | b'.' | b'0'..=b'9');
    let length = format.iter().take_while(|byte| is_modifier(byte)).count() + 1;
    (length <= LONGEST).then(|| &format[..length.min(format.len())])
}

/// `specification` as messages show it, with its `%`. (C strings end at a zero byte.)
pub(crate) fn shown(specification: &[u8]) -> Vec<u8> {
    let mut text = vec![b'%'];
    text.extend(specification.iter().take_while(|&&byte| byte != 0));
    text
}

/// How to convert a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Spec {
    left: bool,
    plus: bool,
    space: bool,
    alternate: bool,
    zero: bool,
    width: usize,
    pub(crate) precision: Option<usize>,
    conversion: u8,
}

impl Spec {
    /// Reads a [`specification`]. `None` if it has flags that are not in `flags`, a width or
    /// precision of more than two digits, or a precision and `has_precision` is false.
    pub(crate) fn parse(specification: &[u8], flags: &[u8], has_precision: bool) -> Option<Spec> {
        let (&conversion, modifiers) = specification.split_last()?;
        let mut spec = Spec {
            conversion,
            ..Spec::default()
        };
        let mut rest = modifiers;
        while let [flag, tail @ ..] = rest
            && flags.contains(flag)
        {
            match flag {
                b'-' => spec.left = true,
                b'+' => spec.plus = true,
                b' ' => spec.space = true,
                b'#' => spec.alternate = true,
                _ => spec.zero = true,
            }
            rest = tail;
        }
        if rest.first() == Some(&b'0') {
            return None;
        }
        spec.width = two_digits(&mut rest).unwrap_or(0);
        if let [b'.', tail @ ..] = rest
            && has_precision
        {
            rest = tail;
            spec.precision = Some(two_digits(&mut rest).unwrap_or(0));
        }
        rest.is_empty().then_some(spec)
    }
}

/// Reads at most two digits.
fn two_digits(rest: &mut &[u8]) -> Option<usize> {
    let mut value = None;
    for _ in 0..2 {
        let [digit @ b'0'..=b'9', tail @ ..] = *rest else {
            break;
        };
        value = Some(value.unwrap_or(0) * 10 + usize::from(digit - b'0'));
        *rest = tail;
    }
    value
}

/// Appends `prefix` (sign, `0x`) and `body`, padded to the width. `zeros`: whether the `0` flag
/// counts.
fn push_padded(out: &mut Vec<u8>, spec: &Spec, prefix: &[u8], body: &[u8], zeros: bool) {
    let padding = spec.width.saturating_sub(prefix.len() + body.len());
    let fill = |out: &mut Vec<u8>, byte| out.resize(out.len() + padding, byte);
    if spec.left {
        out.extend_from_slice(prefix);
        out.extend_from_slice(body);
        fill(out, b' ');
    } else if spec.zero && zeros {
        out.extend_from_slice(prefix);
        fill(out, b'0');
        out.extend_from_slice(body);
    } else {
        fill(out, b' ');
        out.extend_from_slice(prefix);
        out.extend_from_slice(body);
    }
}

fn sign(spec: &Spec, negative: bool) -> &'static [u8] {
    if negative {
        b"-"
    } else if spec.plus {
        b"+"
    } else if spec.space {
        b" "
    } else {
        b""
    }
}

/// `%d`, `%i`, `%u`, `%o`, `%x`, `%X`
pub(crate) fn push_integer(out: &mut Vec<u8>, spec: &Spec, value: i64) {
    let signed = matches!(spec.conversion, b'd' | b'i');
    if signed && spec.width == 0 && spec.precision.is_none() && !spec.plus && !spec.space {
        return push_number(out, Number::Integer(value));
    }
    let magnitude = if signed {
        value.unsigned_abs()
    } else {
        value as u64
    };
    // The longest: 22 octal digits; the longest precision: 99.
    let mut buffer = [b'0'; 128];
    let mut start = buffer.len();
    let (base, digits): (u64, &[u8; 16]) = match spec.conversion {
        b'o' => (8, b"0123456789abcdef"),
        b'x' => (16, b"0123456789abcdef"),
        b'X' => (16, b"0123456789ABCDEF"),
        _ => (10, b"0123456789abcdef"),
    };
    let mut rest = magnitude;
    while rest != 0 {
        start -= 1;
        buffer[start] = digits[(rest % base) as usize];
        rest /= base;
    }
    let mut least = spec.precision.unwrap_or(1);
    if spec.conversion == b'o' && spec.alternate {
        least = least.max(buffer.len() - start + 1);
    }
    start = start.min(buffer.len() - least.min(buffer.len()));
    let prefix: &[u8] = match spec.conversion {
        b'x' if spec.alternate && value != 0 => b"0x",
        b'X' if spec.alternate && value != 0 => b"0X",
        b'd' | b'i' => sign(spec, value < 0),
        _ => b"",
    };
    let zeros = spec.precision.is_none();
    push_padded(out, spec, prefix, &buffer[start..], zeros);
}

/// `%a`, `%A`, `%e`, `%E`, `%f`, `%g`, `%G`
pub(crate) fn push_float(out: &mut Vec<u8>, spec: &Spec, value: f64) {
    let prefix = sign(spec, value.is_sign_negative());
    let magnitude = value.abs();
    let upper = spec.conversion.is_ascii_uppercase();
    if !value.is_finite() {
        let name: &[u8] = match (value.is_nan(), upper) {
            (true, false) => b"nan",
            (true, true) => b"NAN",
            (false, false) => b"inf",
            (false, true) => b"INF",
        };
        return push_padded(out, spec, prefix, name, false);
    }
    let precision = spec.precision.unwrap_or(6);
    let mut text = match spec.conversion {
        b'f' => {
            if spec.width == 0 {
                out.extend_from_slice(prefix);
                return push_fixed(out, magnitude, precision, spec.alternate);
            }
            let mut body = Vec::with_capacity(32);
            push_fixed(&mut body, magnitude, precision, spec.alternate);
            return push_padded(out, spec, prefix, &body, true);
        }
        b'a' | b'A' => format_hexadecimal(magnitude, spec.precision, spec.alternate),
        b'e' | b'E' => format_exponent(magnitude, precision, spec.alternate),
        _ => format_general(magnitude, precision, spec.alternate),
    };
    if upper {
        text.make_ascii_uppercase();
    }
    let (head, body) = match spec.conversion {
        b'a' | b'A' => text.as_bytes().split_at(2),
        _ => (&b""[..], text.as_bytes()),
    };
    if head.is_empty() {
        return push_padded(out, spec, prefix, body, true);
    }
    // Zeros go behind the "0x".
    push_padded(out, spec, &[prefix, head].concat(), body, true);
}

fn push_fixed(out: &mut Vec<u8>, magnitude: f64, precision: usize, alternate: bool) {
    // Writing to a vector cannot fail.
    let _ = write!(out, "{magnitude:.precision$}");
    if alternate && precision == 0 {
        out.push(b'.');
    }
}

/// `%s`, `%p`
pub(crate) fn push_text(out: &mut Vec<u8>, spec: &Spec, text: &[u8]) {
    let length = spec.precision.unwrap_or(usize::MAX).min(text.len());
    push_padded(out, spec, b"", &text[..length], false);
}

/// `%c`
pub(crate) fn push_character(out: &mut Vec<u8>, spec: &Spec, value: i64) {
    push_padded(out, spec, b"", &[value as u8], false);
}

/// `%q` of a string: a string literal that Lua reads back.
pub(crate) fn push_quoted(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for (index, &byte) in text.iter().enumerate() {
        match byte {
            b'"' | b'\\' | b'\n' => out.extend_from_slice(&[b'\\', byte]),
            _ if byte.is_ascii_control() => {
                let digit_follows = text.get(index + 1).is_some_and(u8::is_ascii_digit);
                let width = if digit_follows { 3 } else { 1 };
                // Writing to a vector cannot fail.
                let _ = write!(out, "\\{byte:0width$}");
            }
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

/// `%q` of a number: a numeral that Lua reads back as the same number.
pub(crate) fn push_quoted_number(out: &mut Vec<u8>, number: Number) {
    match number {
        // Its decimal numeral would be a float.
        Number::Integer(i64::MIN) => out.extend_from_slice(b"0x8000000000000000"),
        Number::Integer(_) => push_number(out, number),
        Number::Float(f64::INFINITY) => out.extend_from_slice(b"1e9999"),
        Number::Float(f64::NEG_INFINITY) => out.extend_from_slice(b"-1e9999"),
        Number::Float(float) if float.is_nan() => out.extend_from_slice(b"(0/0)"),
        Number::Float(float) => {
            out.extend_from_slice(format_hexadecimal(float, None, false).as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(text: &str) -> Spec {
        let bytes = text.as_bytes();
        let flags: &[u8] = match bytes[bytes.len() - 1] {
            b'd' | b'i' => INTEGER_FLAGS,
            b'u' => UNSIGNED_FLAGS,
            b'o' | b'x' | b'X' => HEXADECIMAL_FLAGS,
            b'c' | b's' | b'p' => TEXT_FLAGS,
            _ => FLOAT_FLAGS,
        };
        Spec::parse(specification(bytes).unwrap(), flags, true).unwrap()
    }

    fn integer(format: &str, value: i64) -> String {
        let mut out = Vec::new();
        push_integer(&mut out, &spec(format), value);
        String::from_utf8(out).unwrap()
    }

    fn float(format: &str, value: f64) -> String {
        let mut out = Vec::new();
        push_float(&mut out, &spec(format), value);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn integers() {
        assert_eq!(integer("d", -7), "-7");
        assert_eq!(integer("5d", 42), "   42");
        assert_eq!(integer("-5d", 42), "42   ");
        assert_eq!(integer("05d", -42), "-0042");
        assert_eq!(integer("+08d", 31501), "+0031501");
        assert_eq!(integer("+08d", -30927), "-0030927");
        assert_eq!(integer(" d", 3), " 3");
        assert_eq!(integer("-+ 05.3i", 7), "+007 ");
        assert_eq!(integer(".0d", 0), "");
        assert_eq!(integer("+.0d", 0), "+");
        assert_eq!(integer("08.5d", 12), "   00012");
        assert_eq!(integer("x", -1), "ffffffffffffffff");
        assert_eq!(integer("#12o", 10), "         012");
        assert_eq!(integer("#o", 0), "0");
        assert_eq!(integer("#.0o", 0), "0");
        assert_eq!(integer("#10x", 100), "      0x64");
        assert_eq!(integer("#-17X", 100), "0X64             ");
        assert_eq!(integer("#010x", 100), "0x00000064");
        assert_eq!(integer("#x", 0), "0");
        assert_eq!(integer("u", -1), "18446744073709551615");
        assert_eq!(integer(".20d", -5), "-00000000000000000005");
        assert_eq!(integer("o", -1), "1777777777777777777777");
        assert_eq!(integer("d", i64::MIN), "-9223372036854775808");
        assert_eq!(integer(".99d", 1).len(), 99);
    }

    #[test]
    fn floats() {
        assert_eq!(float("f", 3.5), "3.500000");
        assert_eq!(float(".0f", 0.5), "0");
        assert_eq!(float("#.0f", 1.5), "2.");
        assert_eq!(float("010.2f", -1.005), "-000001.00");
        assert_eq!(float("+.3G", 1.5), "+1.5");
        assert_eq!(float("+.3G", -1.5), "-1.5");
        assert_eq!(float(".14g", 0.1), "0.1");
        assert_eq!(float("g", 1e20), "1e+20");
        assert_eq!(float("#g", 1.0), "1.00000");
        assert_eq!(float("G", 1e-10), "1E-10");
        assert_eq!(float("12.3e", 12345.678), "   1.235e+04");
        assert_eq!(float("a", 0.5), "0x1p-1");
        assert_eq!(float("A", -1.0), "-0X1P+0");
        assert_eq!(float("010a", 1.0), "0x00001p+0");
        assert_eq!(float("+.3a", 5.5), "+0x1.600p+2");
        assert_eq!(float("05f", f64::INFINITY), "  inf");
        assert_eq!(float("G", f64::NEG_INFINITY), "-INF");
        assert_eq!(float("+f", f64::INFINITY), "+inf");
        assert_eq!(float("99.99f", -1e308).len(), 410);
        assert_eq!(float(" 7.1f", -0.0), "   -0.0");
    }

    #[test]
    fn text_and_quotes() {
        let mut out = Vec::new();
        push_text(&mut out, &spec("-6.2s"), b"alo");
        push_text(&mut out, &spec("6s"), b"alo");
        push_character(&mut out, &spec("-3c"), 97);
        assert_eq!(out, b"al       aloa  ");
        out.clear();
        push_quoted(&mut out, b"a\x001\"\\\n\r\xe9\0");
        assert_eq!(out, b"\"a\\0001\\\"\\\\\\\n\\13\xe9\\0\"");
        out.clear();
        push_quoted_number(&mut out, Number::Integer(i64::MIN));
        out.push(b' ');
        push_quoted_number(&mut out, Number::Float(-0.1));
        assert_eq!(out, b"0x8000000000000000 -0x1.999999999999ap-4");
    }

    #[test]
    fn invalid_specifications() {
        let parse = |text: &[u8], flags, precision| Spec::parse(text, flags, precision);
        assert_eq!(parse(b"0123d", INTEGER_FLAGS, true), None);
        assert_eq!(parse(b"05s", TEXT_FLAGS, true), None);
        assert_eq!(parse(b".10c", TEXT_FLAGS, false), None);
        assert_eq!(parse(b"0.123d", INTEGER_FLAGS, true), None);
        assert_eq!(parse(b"1.2.3d", INTEGER_FLAGS, true), None);
        assert_eq!(parse(b"#i", INTEGER_FLAGS, true), None);
        assert_eq!(specification(&[b'0'; 40]), None);
        assert_eq!(
            specification(b"0000000000000000000d ").map(<[u8]>::len),
            Some(20)
        );
        assert_eq!(specification(b""), Some(&b""[..]));
        assert_eq!(shown(b"5\0"), b"%5");
    }
}
