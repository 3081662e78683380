//! The constants of a function, each of them once.
//!
//! Invariants:
//! - Two constants are the same if type and bits are: `1`, `1.0` and `-0.0` are three, and equal
//!   strings have one text, that of the chunk's interner, so their addresses tell them apart.
//! - Up to [`MAX_LINEAR`] constants are searched one after another, by `keys`; for more there is a
//!   table of slots, a power of two and at most half full, with index + 1 or 0.

use std::rc::Rc;

use crate::ast::{ConstantValue, Interner};
use crate::bytecode::proto::Constant;

/// Up to this number of constants a linear search is faster than hashing.
const MAX_LINEAR: usize = 8;
/// The first size of the table of slots.
const FIRST_SLOTS: usize = 32;
/// Clearing a larger table takes longer than making a new one.
const MAX_KEPT_SLOTS: usize = 1024;

/// Type and bits of a constant.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Key {
    what: u8,
    bits: u64,
}

impl Key {
    #[inline]
    fn of_value(value: ConstantValue, interner: &Interner) -> Self {
        let (what, bits) = match value {
            ConstantValue::Nil => (0, 0),
            ConstantValue::Boolean(b) => (1, b.into()),
            ConstantValue::Integer(i) => (2, i as u64),
            ConstantValue::Float(f) => (3, f.to_bits()),
            ConstantValue::String(s) => (4, interner.resolve(s).as_ptr().addr() as u64),
        };
        Self { what, bits }
    }

    #[inline]
    fn of_constant(constant: &Constant) -> Self {
        let (what, bits) = match constant {
            Constant::Nil => (0, 0),
            Constant::Boolean(b) => (1, u64::from(*b)),
            Constant::Integer(i) => (2, *i as u64),
            Constant::Float(f) => (3, f.to_bits()),
            Constant::String(s) => (4, Rc::as_ptr(s).cast::<u8>().addr() as u64),
        };
        Self { what, bits }
    }

    /// Where the search in a table of `mask + 1` slots begins.
    #[inline]
    fn slot(self, mask: usize) -> usize {
        let hash = (self.bits ^ u64::from(self.what) << 56).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (hash >> 32) as usize & mask
    }
}

/// The constants of a function.
#[derive(Default)]
pub(super) struct Constants {
    pub(super) list: Vec<Constant>,
    keys: Vec<Key>,
    slots: Vec<u32>,
}

impl Constants {
    /// The index of `value`, which is added if it is new.
    #[inline]
    pub(super) fn index(&mut self, value: ConstantValue, interner: &Interner) -> usize {
        let key = Key::of_value(value, interner);
        match self.search(key) {
            Ok(index) => index,
            Err(slot) => {
                if let Some(slot) = self.slots.get_mut(slot) {
                    *slot = self.list.len() as u32 + 1;
                }
                self.add(value, key, interner)
            }
        }
    }

    /// The index of `value`, if it is among the constants.
    #[inline]
    pub(super) fn find(&self, value: ConstantValue, interner: &Interner) -> Option<usize> {
        self.search(Key::of_value(value, interner)).ok()
    }

    /// The index of that constant, or the slot for a new one if there are slots.
    #[inline]
    fn search(&self, key: Key) -> Result<usize, usize> {
        if self.slots.is_empty() {
            let found = self.keys.iter().position(|&known| known == key);
            return found.ok_or(0);
        }
        let mask = self.slots.len() - 1;
        let mut position = key.slot(mask);
        while let Some(index) = (self.slots[position] as usize).checked_sub(1) {
            if Key::of_constant(&self.list[index]) == key {
                return Ok(index);
            }
            position = (position + 1) & mask;
        }
        Err(position)
    }

    /// Adds a constant, which has its slot already if there are slots.
    fn add(&mut self, value: ConstantValue, key: Key, interner: &Interner) -> usize {
        let index = self.list.len();
        self.list.push(match value {
            ConstantValue::Nil => Constant::Nil,
            ConstantValue::Boolean(b) => Constant::Boolean(b),
            ConstantValue::Integer(i) => Constant::Integer(i),
            ConstantValue::Float(f) => Constant::Float(f),
            ConstantValue::String(s) => Constant::String(interner.shared(s)),
        });
        if index < MAX_LINEAR {
            self.keys.push(key);
        } else if self.list.len() * 2 > self.slots.len() {
            self.grow();
        }
        index
    }

    #[cold]
    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(FIRST_SLOTS);
        self.slots.clear();
        self.slots.resize(size, 0);
        for (constant, number) in self.list.iter().zip(1..) {
            let mut position = Key::of_constant(constant).slot(size - 1);
            while self.slots[position] != 0 {
                position = (position + 1) & (size - 1);
            }
            self.slots[position] = number;
        }
    }

    /// Removes all constants.
    pub(super) fn clear(&mut self) {
        self.list.clear();
        self.keys.clear();
        if self.slots.capacity() > MAX_KEPT_SLOTS {
            self.slots = Vec::new();
        } else {
            self.slots.clear();
        }
    }
}
