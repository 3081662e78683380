//! Sets of bytes, and the character classes of patterns (those of C in its own locale).

/// A set of bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ByteSet([u64; 4]);

impl ByteSet {
    /// No byte.
    pub(crate) const EMPTY: ByteSet = ByteSet([0; 4]);

    /// Whether `byte` is in the set.
    #[inline(always)]
    pub(crate) fn contains(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] >> (byte & 63) & 1 != 0
    }

    /// With `byte` added.
    pub(crate) const fn with(mut self, byte: u8) -> Self {
        self.0[(byte >> 6) as usize] |= 1 << (byte & 63);
        self
    }

    /// All other bytes.
    pub(crate) const fn complement(self) -> Self {
        let [a, b, c, d] = self.0;
        ByteSet([!a, !b, !c, !d])
    }

    /// The bytes of both.
    pub(crate) fn union(self, other: Self) -> Self {
        ByteSet(std::array::from_fn(|i| self.0[i] | other.0[i]))
    }

    /// Whether no byte is in both.
    pub(crate) fn is_disjoint(&self, other: &Self) -> bool {
        (0..4).all(|i| self.0[i] & other.0[i] == 0)
    }

    /// From `first` to `last`.
    pub(crate) const fn range(first: u8, last: u8) -> Self {
        let mut set = Self::EMPTY;
        let mut byte = first as u32;
        while byte <= last as u32 {
            set = set.with(byte as u8);
            byte += 1;
        }
        set
    }

    /// The class of a lower case letter.
    const fn of_class(class: u8) -> Self {
        let mut set = Self::EMPTY;
        let mut byte = 0;
        while byte < 128u8 {
            let member = match class {
                b'a' => byte.is_ascii_alphabetic(),
                b'c' => byte.is_ascii_control(),
                b'd' => byte.is_ascii_digit(),
                b'g' => byte.is_ascii_graphic(),
                b'l' => byte.is_ascii_lowercase(),
                b'p' => byte.is_ascii_punctuation(),
                b's' => matches!(byte, b' ' | b'\t'..=b'\r'),
                b'u' => byte.is_ascii_uppercase(),
                b'w' => byte.is_ascii_alphanumeric(),
                b'x' => byte.is_ascii_hexdigit(),
                _ => byte == 0,
            };
            if member {
                set = set.with(byte);
            }
            byte += 1;
        }
        set
    }

    /// The set of the class `%c` for a letter `c`, or of the character itself.
    pub(crate) fn escaped(byte: u8) -> Self {
        const CLASSES: [(u8, ByteSet); 11] = {
            let letters = *b"acdglpsuwxz";
            let mut classes = [(0, ByteSet::EMPTY); 11];
            let mut i = 0;
            while i < letters.len() {
                classes[i] = (letters[i], ByteSet::of_class(letters[i]));
                i += 1;
            }
            classes
        };
        let lower = byte.to_ascii_lowercase();
        match CLASSES.iter().find(|(letter, _)| *letter == lower) {
            Some((_, set)) if byte == lower => *set,
            Some((_, set)) => set.complement(),
            None => Self::EMPTY.with(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ByteSet;

    /// How many bytes are in the class `%c`.
    fn count(class: u8) -> usize {
        let set = ByteSet::escaped(class);
        (0..=255).filter(|&byte| set.contains(byte)).count()
    }

    #[test]
    fn classes_have_their_sizes() {
        for (class, size) in [
            (b'a', 52),
            (b'c', 33),
            (b'd', 10),
            (b'g', 94),
            (b'l', 26),
            (b'p', 32),
            (b's', 6),
            (b'u', 26),
            (b'w', 62),
            (b'x', 22),
            (b'z', 1),
        ] {
            assert_eq!(count(class), size, "{}", char::from(class));
            assert_eq!(count(class.to_ascii_uppercase()), 256 - size);
        }
        assert_eq!(count(b'.'), 1);
    }
}
