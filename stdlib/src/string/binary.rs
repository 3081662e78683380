//! The format strings of `string.pack` (§6.4.2), and integers of any size.

/// How many bytes a packed integer may have.
pub(crate) const MAX_INTEGER_SIZE: usize = 16;

/// How large a packed string may be for `packsize`.
pub(crate) const MAX_SIZE: usize = i32::MAX as usize;

/// The size of a Lua integer.
const INTEGER_SIZE: usize = 8;

/// What is wrong with a format string.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum FormatError {
    /// An error with this message.
    Error(Vec<u8>),
    /// The format, argument 1, is bad for this reason.
    Argument(&'static str),
}

/// What an option packs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// A signed integer.
    Signed,
    /// An unsigned integer.
    Unsigned,
    /// A single-precision float.
    Float,
    /// A double-precision float.
    Double,
    /// A string of fixed length.
    Fixed,
    /// A string with its length before it.
    Prefixed,
    /// A string with a zero byte behind it.
    ZeroEnded,
    /// One byte of padding.
    Padding,
    /// Alignment only.
    Alignment,
    /// Nothing.
    Nothing,
}

/// An option of a format string.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Field {
    /// What it packs.
    pub(crate) kind: Kind,
    /// Its size in bytes (of the length for `Prefixed`).
    pub(crate) size: usize,
    /// How many bytes of padding come before it.
    pub(crate) padding: usize,
}

/// Reads a format string.
#[derive(Debug)]
pub(crate) struct Reader<'f> {
    rest: &'f [u8],
    /// Whether numbers are little endian at this point.
    pub(crate) little: bool,
    largest_alignment: usize,
}

impl<'f> Reader<'f> {
    pub(crate) fn new(format: &'f [u8]) -> Self {
        // C strings end at a zero byte.
        let length = format.iter().position(|&byte| byte == 0);
        Reader {
            rest: &format[..length.unwrap_or(format.len())],
            little: cfg!(target_endian = "little"),
            largest_alignment: 1,
        }
    }

    /// The next option, `None` at the end. `position` is where it goes, for its alignment.
    pub(crate) fn next_field(&mut self, position: usize) -> Result<Option<Field>, FormatError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (kind, size) = self.option()?;
        let mut alignment = size;
        if kind == Kind::Alignment {
            let invalid = FormatError::Argument("invalid next option for option 'X'");
            if self.rest.is_empty() {
                return Err(invalid);
            }
            let (next, size) = self.option()?;
            if next == Kind::Fixed || size == 0 {
                return Err(invalid);
            }
            alignment = size;
        }
        let mut padding = 0;
        if alignment > 1 && kind != Kind::Fixed {
            let alignment = alignment.min(self.largest_alignment);
            if !alignment.is_power_of_two() {
                let message = "format asks for alignment not power of 2";
                return Err(FormatError::Argument(message));
            }
            padding = position.wrapping_neg() & (alignment - 1);
        }
        Ok(Some(Field {
            kind,
            size,
            padding,
        }))
    }

    /// Reads one option: its kind and size. `rest` is not empty.
    fn option(&mut self) -> Result<(Kind, usize), FormatError> {
        let Some((&option, rest)) = self.rest.split_first() else {
            return Ok((Kind::Nothing, 0));
        };
        self.rest = rest;
        Ok(match option {
            b'b' => (Kind::Signed, 1),
            b'B' => (Kind::Unsigned, 1),
            b'h' => (Kind::Signed, 2),
            b'H' => (Kind::Unsigned, 2),
            b'l' | b'j' => (Kind::Signed, 8),
            b'L' | b'J' | b'T' => (Kind::Unsigned, 8),
            b'f' => (Kind::Float, 4),
            b'n' | b'd' => (Kind::Double, 8),
            b'i' => (Kind::Signed, self.integer_size(4)?),
            b'I' => (Kind::Unsigned, self.integer_size(4)?),
            b's' => (Kind::Prefixed, self.integer_size(8)?),
            b'c' => match self.number() {
                Some(size) => (Kind::Fixed, size),
                None => {
                    let message = b"missing size for format option 'c'";
                    return Err(FormatError::Error(message.to_vec()));
                }
            },
            b'z' => (Kind::ZeroEnded, 0),
            b'x' => (Kind::Padding, 1),
            b'X' => (Kind::Alignment, 0),
            b' ' => (Kind::Nothing, 0),
            b'<' | b'>' | b'=' => {
                self.little = match option {
                    b'<' => true,
                    b'>' => false,
                    _ => cfg!(target_endian = "little"),
                };
                (Kind::Nothing, 0)
            }
            b'!' => {
                self.largest_alignment = self.integer_size(8)?;
                (Kind::Nothing, 0)
            }
            _ => {
                let message = [b"invalid format option '", &[option][..], b"'"].concat();
                return Err(FormatError::Error(message));
            }
        })
    }

    /// A number, if one is there. It stops growing before it would not fit in a C `int`.
    fn number(&mut self) -> Option<usize> {
        let mut value = None;
        while let [digit @ b'0'..=b'9', rest @ ..] = self.rest {
            let before = value.unwrap_or(0);
            if before > (MAX_SIZE - 9) / 10 {
                break;
            }
            value = Some(before * 10 + usize::from(digit - b'0'));
            self.rest = rest;
        }
        value
    }

    fn integer_size(&mut self, default: usize) -> Result<usize, FormatError> {
        let size = self.number().unwrap_or(default);
        if (1..=MAX_INTEGER_SIZE).contains(&size) {
            return Ok(size);
        }
        let message = format!("integral size ({size}) out of limits [1,{MAX_INTEGER_SIZE}]");
        Err(FormatError::Error(message.into_bytes()))
    }
}

/// Whether `value` fits in `size` bytes.
pub(crate) fn signed_fits(value: i64, size: usize) -> bool {
    if size >= INTEGER_SIZE {
        return true;
    }
    let limit = 1i64 << (size * 8 - 1);
    (-limit..limit).contains(&value)
}

/// Whether `value` fits in `size` bytes.
pub(crate) fn unsigned_fits(value: u64, size: usize) -> bool {
    size >= INTEGER_SIZE || value < 1 << (size * 8)
}

/// Appends `value` in `size` bytes; those that an integer does not have are copies of the sign if
/// it is `signed`.
pub(crate) fn push_integer(out: &mut Vec<u8>, value: i64, size: usize, little: bool, signed: bool) {
    let fill = if signed && value < 0 { 0xff } else { 0 };
    let mut bytes = [fill; MAX_INTEGER_SIZE];
    bytes[..INTEGER_SIZE].copy_from_slice(&value.to_le_bytes());
    let bytes = &mut bytes[..size];
    if !little {
        bytes.reverse();
    }
    out.extend_from_slice(bytes);
}

/// The integer in `bytes`. `None` if it does not fit in a Lua integer.
pub(crate) fn read_integer(bytes: &[u8], little: bool, signed: bool) -> Option<i64> {
    let size = bytes.len();
    let byte = |index: usize| bytes[if little { index } else { size - 1 - index }];
    let mut value = 0u64;
    for index in (0..size.min(INTEGER_SIZE)).rev() {
        value = value << 8 | u64::from(byte(index));
    }
    if size < INTEGER_SIZE {
        if signed {
            let shift = 64 - 8 * size as u32;
            return Some((value << shift) as i64 >> shift);
        }
        return Some(value as i64);
    }
    let fill = if signed && (value as i64) < 0 {
        0xff
    } else {
        0
    };
    (INTEGER_SIZE..size)
        .all(|index| byte(index) == fill)
        .then_some(value as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(format: &str) -> Result<Vec<(Kind, usize, usize)>, FormatError> {
        let mut reader = Reader::new(format.as_bytes());
        let mut position = 0;
        let mut fields = Vec::new();
        while let Some(field) = reader.next_field(position)? {
            position += field.size + field.padding;
            if field.kind != Kind::Nothing {
                fields.push((field.kind, field.size, field.padding));
            }
        }
        Ok(fields)
    }

    #[test]
    fn alignment() {
        assert_eq!(
            fields("!8 b Xh i4 i8 c1 Xi8").unwrap(),
            [
                (Kind::Signed, 1, 0),
                (Kind::Alignment, 0, 1),
                (Kind::Signed, 4, 2),
                (Kind::Signed, 8, 0),
                (Kind::Fixed, 1, 0),
                (Kind::Alignment, 0, 7),
            ]
        );
        assert_eq!(
            fields("!2 b d").unwrap(),
            [(Kind::Signed, 1, 0), (Kind::Double, 8, 1)]
        );
        let argument = |format| match fields(format) {
            Err(FormatError::Argument(message)) => message,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            argument("!4 i3"),
            "format asks for alignment not power of 2"
        );
        for format in ["X", "Xz", "X ", "Xc1"] {
            assert_eq!(argument(format), "invalid next option for option 'X'");
        }
    }

    #[test]
    fn malformed() {
        let message = |format| match fields(format) {
            Err(FormatError::Error(message)) => String::from_utf8(message).unwrap(),
            other => panic!("{other:?}"),
        };
        assert_eq!(message("i0"), "integral size (0) out of limits [1,16]");
        assert_eq!(message("!17"), "integral size (17) out of limits [1,16]");
        assert_eq!(message("c"), "missing size for format option 'c'");
        assert_eq!(message("y"), "invalid format option 'y'");
        assert_eq!(message("c1000000000000"), "invalid format option '0'");
    }

    #[test]
    fn integers() {
        for (value, size) in [(-2, 1), (-2, 16), (0x1234, 2), (i64::MIN, 8), (77, 11)] {
            for little in [true, false] {
                let mut bytes = Vec::new();
                push_integer(&mut bytes, value, size, little, true);
                assert_eq!(read_integer(&bytes, little, true), Some(value));
            }
        }
        assert_eq!(read_integer(&[0xff; 16], true, false), None);
        assert_eq!(read_integer(&[0xff, 0xfe], false, false), Some(0xfffe));
        let mut bytes = Vec::new();
        push_integer(&mut bytes, 0x0102, 3, false, true);
        assert_eq!(bytes, [0, 1, 2]);
        assert!(signed_fits(-128, 1) && !signed_fits(128, 1) && !signed_fits(-129, 1));
        assert!(unsigned_fits(255, 1) && !unsigned_fits(256, 1) && unsigned_fits(u64::MAX, 8));
    }
}
