//! The interner: names and string literals as small numbers.
//!
//! Invariant: equal byte strings have the same [`Symbol`], and symbols are numbered from 0 in
//! order of first sight, the [`predefined`] ones first.

use crate::ast::Symbol;
use std::hash::Hasher;
use std::rc::Rc;

/// The byte strings of a chunk, each stored once.
///
/// An open-addressing table of symbol numbers. A string of up to eight bytes is its own key, so
/// that looking up a short name touches one slot only; the key of a longer one is its hash.
#[derive(Debug)]
pub struct Interner {
    strings: Vec<Rc<[u8]>>,
    /// A power of two, at most three quarters full.
    slots: Vec<Slot>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    key: u64,
    length: u32,
    /// The symbol + 1; 0 in a free slot.
    number: u32,
}

/// The longest string that is its own key.
const MAX_SHORT: usize = 8;

/// The symbols that every interner has from the start.
pub mod predefined {
    use crate::ast::Symbol;

    /// `_ENV`
    pub const ENV: Symbol = Symbol(0);
    /// `self`
    pub const SELF: Symbol = Symbol(1);
    /// `const`
    pub const CONST: Symbol = Symbol(2);
    /// `close`
    pub const CLOSE: Symbol = Symbol(3);
    /// The name of the hidden variables of loops, which no program can write.
    pub const FOR_STATE: Symbol = Symbol(4);
    /// Their texts, in order.
    pub(super) const TEXTS: [&[u8]; 5] = [b"_ENV", b"self", b"const", b"close", b"(for state)"];
}

impl Default for Interner {
    fn default() -> Self {
        Self::new()
    }
}

impl Interner {
    /// An interner with the [`predefined`] symbols.
    pub fn new() -> Self {
        let mut interner = Self {
            strings: Vec::new(),
            slots: vec![Slot::default(); 64],
        };
        for text in predefined::TEXTS {
            interner.intern(text);
        }
        interner
    }

    /// The symbol of `bytes`, made on first sight.
    #[inline]
    pub fn intern(&mut self, bytes: &[u8]) -> Symbol {
        let key = key_of(bytes);
        let length = bytes.len() as u32;
        let mask = self.slots.len() - 1;
        let mut position = first_position(key, length, mask);
        loop {
            let slot = self.slots[position];
            if slot.key == key && slot.length == length && slot.number != 0 {
                let number = slot.number as usize - 1;
                if bytes.len() <= MAX_SHORT || *self.strings[number] == *bytes {
                    return Symbol(number as u32);
                }
            }
            if slot.number == 0 {
                return self.add(bytes, key, position);
            }
            position = (position + 1) & mask;
        }
    }

    #[cold]
    #[inline(never)]
    fn add(&mut self, bytes: &[u8], key: u64, position: usize) -> Symbol {
        let symbol = Symbol(self.strings.len() as u32);
        self.strings.push(bytes.into());
        self.slots[position] = Slot {
            key,
            length: bytes.len() as u32,
            number: symbol.0 + 1,
        };
        if self.strings.len() * 4 >= self.slots.len() * 3 {
            self.grow();
        }
        symbol
    }

    /// The bytes of `symbol`.
    pub fn resolve(&self, symbol: Symbol) -> &[u8] {
        &self.strings[symbol.0 as usize]
    }

    /// The bytes of `symbol`, shared with the interner.
    pub fn shared(&self, symbol: Symbol) -> Rc<[u8]> {
        self.strings[symbol.0 as usize].clone()
    }

    /// How many symbols there are; they are numbered from 0.
    pub fn len(&self) -> usize {
        self.strings.len()
    }

    /// Whether there is no symbol.
    pub fn is_empty(&self) -> bool {
        self.strings.is_empty()
    }

    fn grow(&mut self) {
        let size = self.slots.len() * 2;
        let old = std::mem::replace(&mut self.slots, vec![Slot::default(); size]);
        for slot in old.into_iter().filter(|slot| slot.number != 0) {
            let mut position = first_position(slot.key, slot.length, size - 1);
            while self.slots[position].number != 0 {
                position = (position + 1) & (size - 1);
            }
            self.slots[position] = slot;
        }
    }
}

/// A short string itself (unique among those of its length), or a long string's hash.
#[inline]
fn key_of(bytes: &[u8]) -> u64 {
    match *bytes {
        [] => 0,
        [a] => a.into(),
        [a, b] => u16::from_le_bytes([a, b]).into(),
        [a, b, c] => u32::from_le_bytes([a, b, c, 0]).into(),
        [a, b, c, d, .., w, x, y, z] if bytes.len() <= MAX_SHORT => {
            u64::from_le_bytes([a, b, c, d, w, x, y, z])
        }
        [a, b, c, d] => u32::from_le_bytes([a, b, c, d]).into(),
        [a, b, c, d, e] => u64::from_le_bytes([a, b, c, d, e, 0, 0, 0]),
        [a, b, c, d, e, f] => u64::from_le_bytes([a, b, c, d, e, f, 0, 0]),
        [a, b, c, d, e, f, g] => u64::from_le_bytes([a, b, c, d, e, f, g, 0]),
        _ => {
            let mut hasher = rustc_hash::FxHasher::default();
            hasher.write(bytes);
            hasher.finish()
        }
    }
}

#[inline]
fn first_position(key: u64, length: u32, mask: usize) -> usize {
    let hash = (key ^ u64::from(length)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (hash >> 32) as usize & mask
}
