//! Short strings and their escape sequences (manual §3.1).

use super::{LexError, Malformed, Scanner, line_break_length};
use crate::ast::{Line, Symbol};
use crate::number::parse::{hex_value, is_space};

pub(super) fn short_string(lexer: &mut Scanner<'_>) -> Result<Symbol, Malformed> {
    let quote = lexer.slice()[0];
    let rest = lexer.remainder();
    let special = |&byte: &u8| byte == quote || matches!(byte, b'\\' | b'\n' | b'\r');
    let plain = rest.iter().position(special).unwrap_or(rest.len());
    if rest.get(plain) == Some(&quote) {
        lexer.bump(plain + 1);
        return Ok(lexer.extras.intern(&rest[..plain]));
    }
    let mut reader = StringReader {
        text: rest,
        position: plain,
        line: lexer.extras.line,
        buffer: std::mem::take(&mut lexer.extras.buffer),
    };
    reader.buffer.clear();
    reader.buffer.push(quote);
    reader.buffer.extend_from_slice(&rest[..plain]);
    let result = reader.read(quote);
    lexer.bump(reader.position);
    lexer.extras.line = reader.line;
    let symbol = match result {
        Ok(()) => Ok(lexer.extras.intern(&reader.buffer[1..])),
        Err(error) => Err(lexer.extras.error(error.message, error.near)),
    };
    lexer.extras.buffer = reader.buffer;
    symbol
}

/// Reads a short string with escapes. The buffer starts with the delimiter, for error messages.
struct StringReader<'s> {
    text: &'s [u8],
    position: usize,
    line: Line,
    buffer: Vec<u8>,
}

impl StringReader<'_> {
    fn current(&self) -> Option<u8> {
        self.text.get(self.position).copied()
    }

    fn read(&mut self, quote: u8) -> Result<(), Box<LexError>> {
        loop {
            match self.current() {
                None => return Err(LexError::new("unfinished string", None)),
                Some(b'\n' | b'\r') => {
                    let near = Some(self.buffer.clone());
                    return Err(LexError::new("unfinished string", near));
                }
                Some(b'\\') => self.escape()?,
                Some(byte) => {
                    self.position += 1;
                    if byte == quote {
                        return Ok(());
                    }
                    self.buffer.push(byte);
                }
            }
        }
    }

    /// Reads the escape sequence at the current backslash.
    fn escape(&mut self) -> Result<(), Box<LexError>> {
        let start = self.position;
        self.position += 1;
        let Some(byte) = self.current() else {
            // The next round reports the unfinished string.
            return Ok(());
        };
        let replacement = match byte {
            b'a' => 7,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 11,
            b'\\' | b'"' | b'\'' => byte,
            b'x' => {
                let high = self.hex_digit(start)?;
                let low = self.hex_digit(start)?;
                high << 4 | low
            }
            b'\n' | b'\r' => {
                self.skip_line_break();
                self.buffer.push(b'\n');
                return Ok(());
            }
            b'u' => return self.utf8_escape(start),
            b'z' => {
                self.position += 1;
                self.skip_space();
                return Ok(());
            }
            b'0'..=b'9' => return self.decimal_escape(start),
            _ => return Err(self.error(start, "invalid escape sequence")),
        };
        self.position += 1;
        self.buffer.push(replacement);
        Ok(())
    }

    fn skip_line_break(&mut self) {
        self.position += line_break_length(&self.text[self.position..]);
        self.line += 1;
    }

    fn skip_space(&mut self) {
        while let Some(byte) = self.current().filter(|&byte| is_space(byte)) {
            match byte {
                b'\n' | b'\r' => self.skip_line_break(),
                _ => self.position += 1,
            }
        }
    }

    /// An error in the escape sequence at `start`; the current byte belongs to what is shown, and
    /// is passed.
    fn error(&mut self, start: usize, message: &str) -> Box<LexError> {
        let mut near = self.buffer.clone();
        self.position = (self.position + 1).min(self.text.len());
        near.extend_from_slice(&self.text[start..self.position]);
        LexError::new(message, Some(near))
    }

    /// Goes on to the next byte, which must be a hexadecimal digit.
    fn hex_digit(&mut self, start: usize) -> Result<u8, Box<LexError>> {
        self.position += 1;
        match self.current() {
            Some(byte) if byte.is_ascii_hexdigit() => Ok(hex_value(byte)),
            _ => Err(self.error(start, "hexadecimal digit expected")),
        }
    }

    fn decimal_escape(&mut self, start: usize) -> Result<(), Box<LexError>> {
        let mut value = 0u32;
        for _ in 0..3 {
            let Some(digit @ b'0'..=b'9') = self.current() else {
                break;
            };
            value = value * 10 + u32::from(digit - b'0');
            self.position += 1;
        }
        match u8::try_from(value) {
            Ok(byte) => {
                self.buffer.push(byte);
                Ok(())
            }
            Err(_) => Err(self.error(start, "decimal escape too large")),
        }
    }

    fn utf8_escape(&mut self, start: usize) -> Result<(), Box<LexError>> {
        self.position += 1;
        if self.current() != Some(b'{') {
            return Err(self.error(start, "missing '{'"));
        }
        let mut value = u32::from(self.hex_digit(start)?);
        loop {
            self.position += 1;
            match self.current() {
                Some(byte) if byte.is_ascii_hexdigit() => {
                    if value > 0x7fff_ffff >> 4 {
                        return Err(self.error(start, "UTF-8 value too large"));
                    }
                    value = value << 4 | u32::from(hex_value(byte));
                }
                Some(b'}') => break,
                _ => return Err(self.error(start, "missing '}'")),
            }
        }
        self.position += 1;
        push_utf8(&mut self.buffer, value);
        Ok(())
    }
}

/// Appends the encoding of `value` below 2^31, in up to six bytes (the original UTF-8).
pub fn push_utf8(out: &mut Vec<u8>, mut value: u32) {
    if value < 0x80 {
        out.push(value as u8);
        return;
    }
    let mut reversed = [0u8; 6];
    let mut count = 0;
    // The most that fits in the first byte.
    let mut first_limit = 0x3f;
    while value > first_limit {
        reversed[count] = 0x80 | (value & 0x3f) as u8;
        count += 1;
        value >>= 6;
        first_limit >>= 1;
    }
    reversed[count] = ((!first_limit << 1) | value) as u8;
    out.extend(reversed[..=count].iter().rev());
}
