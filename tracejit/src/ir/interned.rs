//! Finding a constant of a trace by its value: an open hash table of places in the list of constants.
//!
//! Invariants:
//! - The table's length is a power of two, or zero for an empty table, and at least twice the number of
//!   its entries: a search ends at a free place.
//! - An entry is the index of a constant plus one; zero is a free place.

use super::Constant;

/// Places of constants, by value.
#[derive(Clone, Debug, Default)]
pub(super) struct Interned {
    table: Vec<u32>,
    entries: usize,
}

impl Interned {
    const SMALLEST: usize = 64;

    /// Forgets all constants, but keeps the memory.
    pub(super) fn clear(&mut self) {
        self.table.clear();
        self.entries = 0;
    }

    /// Becomes the same as another one.
    pub(super) fn copy_from(&mut self, other: &Interned) {
        self.table.clone_from(&other.table);
        self.entries = other.entries;
    }

    /// How many places there is memory for.
    pub(super) fn capacity(&self) -> usize {
        self.table.capacity()
    }

    /// The index of a constant in this list, to which it is appended if it is not there. The list has
    /// grown by this function alone.
    pub(super) fn index(&mut self, list: &mut Vec<Constant>, constant: Constant) -> usize {
        if 2 * self.entries >= self.table.len() {
            self.grow(list);
        }
        let place = self.place(list, constant);
        if self.table[place] == 0 {
            list.push(constant);
            self.table[place] = list.len() as u32;
            self.entries += 1;
        }
        self.table[place] as usize - 1
    }

    /// The place where a constant is, or would be.
    fn place(&self, list: &[Constant], constant: Constant) -> usize {
        let mask = self.table.len() - 1;
        let mut place = hash(constant) as usize & mask;
        loop {
            match self.table[place] {
                0 => return place,
                n if list[n as usize - 1] == constant => return place,
                _ => place = (place + 1) & mask,
            }
        }
    }

    fn grow(&mut self, list: &[Constant]) {
        let size = (2 * self.table.len()).max(Interned::SMALLEST);
        self.table.clear();
        self.table.resize(size, 0);
        for (n, &constant) in list.iter().enumerate() {
            let place = self.place(list, constant);
            self.table[place] = n as u32 + 1;
        }
        self.entries = list.len();
    }
}

/// Mixes the bits of a constant: its high bits tell floats apart, its low bits integers and addresses. So
/// both halves of the product count.
fn hash(constant: Constant) -> u64 {
    let product = u128::from(constant.bits()) * 0x9e37_79b9_7f4a_7c15;
    (product >> 64) as u64 ^ product as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Short floats differ in their highest bits only, small integers in their lowest, addresses of
    /// objects in those between.
    #[test]
    fn usual_constants_are_spread() {
        let numbers = 0..64_u32;
        let kinds: [fn(u32) -> Constant; 3] = [
            |n| Constant::Int(i64::from(n)),
            |n| Constant::Float((f64::from(n) / 4.0).to_bits()),
            |n| Constant::Object(0x5555_0000_0000 + 48 * u64::from(n)),
        ];
        for kind in kinds {
            let places = numbers.clone().map(|n| hash(kind(n)) & 127);
            let different: std::collections::BTreeSet<u64> = places.collect();
            assert!(different.len() > 32, "{} of 64 places", different.len());
        }
    }
}
