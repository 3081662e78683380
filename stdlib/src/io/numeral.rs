//! Reading a number from a stream (format `n`).
//!
//! The longest prefix that could be a numeral is consumed, at most 200 characters, and nothing
//! after it; only then is it checked to be one. A failed read thus leaves the stream behind the
//! prefix, as the manual says.

use super::file::Stream;
use perilune_frontend::number::parse::is_space;
use perilune_frontend::number::{Number, str_to_number};
use std::io;

/// Longest numeral that is read.
const MAX_LENGTH: usize = 200;

/// A numeral being read.
struct Reader<'s> {
    stream: &'s mut Stream,
    text: Vec<u8>,
    /// Whether it got too long; nothing more is consumed then.
    overflow: bool,
}

impl Reader<'_> {
    /// Takes the next character if it satisfies `test`.
    fn accept(&mut self, test: impl Fn(u8) -> bool) -> io::Result<bool> {
        match self.stream.peek()? {
            Some(byte) if test(byte) => {
                if self.text.len() >= MAX_LENGTH {
                    self.overflow = true;
                    return Ok(false);
                }
                self.text.push(byte);
                self.stream.advance();
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Takes digits and tells how many.
    fn digits(&mut self, hexadecimal: bool) -> io::Result<usize> {
        let mut count = 0;
        while self
            .accept(|byte| byte.is_ascii_digit() || (hexadecimal && byte.is_ascii_hexdigit()))?
        {
            count += 1;
        }
        Ok(count)
    }
}

fn is_sign(byte: u8) -> bool {
    matches!(byte, b'+' | b'-')
}

/// Reads a number; `None` if there is none.
pub(super) fn read_number(stream: &mut Stream) -> io::Result<Option<Number>> {
    while stream.peek()?.is_some_and(is_space) {
        stream.advance();
    }
    let mut reader = Reader {
        stream,
        text: Vec::with_capacity(32),
        overflow: false,
    };
    let mut count = 0;
    let mut hexadecimal = false;
    reader.accept(is_sign)?;
    if reader.accept(|byte| byte == b'0')? {
        if reader.accept(|byte| matches!(byte, b'x' | b'X'))? {
            hexadecimal = true;
        } else {
            count = 1;
        }
    }
    count += reader.digits(hexadecimal)?;
    if reader.accept(|byte| byte == b'.')? {
        count += reader.digits(hexadecimal)?;
    }
    let is_exponent = |byte: u8| byte.eq_ignore_ascii_case(if hexadecimal { &b'p' } else { &b'e' });
    if count > 0 && reader.accept(is_exponent)? {
        reader.accept(is_sign)?;
        reader.digits(false)?;
    }
    if reader.overflow {
        return Ok(None);
    }
    Ok(str_to_number(&reader.text))
}

#[cfg(test)]
mod tests {
    use super::super::file::tests::stream_on;
    use super::*;

    /// Reads numbers, each followed by some characters that must be what is left.
    fn check(text: &[u8], steps: &[(Option<Number>, &[u8])]) {
        let (mut stream, _) = stream_on(text);
        for (expected, rest) in steps {
            assert_eq!(&read_number(&mut stream).unwrap(), expected);
            if !rest.is_empty() {
                let rest_read = stream.read_chars(rest.len(), |_| io::Result::Ok(()));
                assert_eq!(rest_read.unwrap().unwrap(), *rest);
            }
        }
    }

    fn float(value: f64) -> Option<Number> {
        Some(Number::Float(value))
    }
    fn integer(value: i64) -> Option<Number> {
        Some(Number::Integer(value))
    }

    #[test]
    fn termination() {
        check(
            b"-12.3-\t-0xffff+  .3|5.E-3X  +234e+13E 0xDEADBEEFDEADBEEFx\n0x1.13Ap+3e\n",
            &[
                (float(-12.3), b"-"),
                (integer(-0xffff), b"+ "),
                (float(0.3), b"|"),
                (float(5e-3), b"X"),
                (float(234e13), b"E"),
                (integer(0xdead_beef_dead_beef_u64 as i64), b"x\n"),
                (float(8.613_281_25), b"e"),
                (None, b""),
            ],
        );
    }

    #[test]
    fn invalid_prefixes_are_consumed() {
        check(
            b".e+\t0.e;\t--;  0xX;\n",
            &[
                (None, b"e+"),
                (None, b";"),
                (None, b"-;"),
                (None, b"X"),
                (None, b";"),
                (None, b""),
            ],
        );
    }

    #[test]
    fn long_numerals_fail() {
        let mut text = b"1234".to_vec();
        text.extend(std::iter::repeat_n(b'0', 1000));
        let (mut stream, _) = stream_on(&text);
        assert_eq!(read_number(&mut stream).unwrap(), None);
        let left = stream.read_all(|_| io::Result::Ok(())).unwrap().len();
        assert_eq!(left, 1004 - 200);
    }

    #[test]
    fn numeral_of_the_largest_length() {
        let mut text = vec![b'0'; 199];
        text.push(b'7');
        check(&text, &[(integer(7), b"")]);
        text.push(b' ');
        check(&text, &[(integer(7), b" ")]);
    }
}
