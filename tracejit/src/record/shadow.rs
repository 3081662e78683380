//! What a recording knows of stack slots.
//!
//! Slots are few and lie close together, so that a table by slot serves better than a map; bits say
//! which of its entries count. Most snapshots are taken with few of them changed.
//!
//! Invariant: a slot whose value is not in memory is known, and its entry says so, too.

use crate::ir::{Ref, SlotSet, SnapshotSlot, Trace, Type};

/// What is known of a stack slot; [`Ref::NONE`] stands for what is not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Shadow {
    /// Its tag.
    pub(super) tag: Ref,
    /// Its payload in a general register.
    pub(super) int: Ref,
    /// Its payload in a float register.
    pub(super) float: Ref,
    /// Whether the value is not in memory.
    pub(super) dirty: bool,
}

impl Shadow {
    const NOTHING: Shadow = Shadow {
        tag: Ref::NONE,
        int: Ref::NONE,
        float: Ref::NONE,
        dirty: false,
    };

    /// A value that is not in memory.
    pub(super) fn of(trace: &Trace, tag: Ref, payload: Ref) -> Shadow {
        let (int, float) = match trace.type_of(payload) {
            Type::Float => (Ref::NONE, payload),
            _ => (payload, Ref::NONE),
        };
        Shadow {
            tag,
            int,
            float,
            dirty: true,
        }
    }

    /// Its payload, in either class of registers.
    fn payload(&self) -> Ref {
        match self.float {
            Ref::NONE => self.int,
            float => float,
        }
    }
}

/// What is known of all slots.
#[derive(Clone, Debug, Default)]
pub(super) struct Shadows {
    /// The slot of the first entry: a multiple of 64.
    first: i32,
    /// Entries of slots that are not known mean nothing.
    entries: Vec<Shadow>,
    /// One bit for each slot of which anything is known.
    known: Vec<u64>,
    /// One bit for each slot whose value is not in memory.
    dirty: Vec<u64>,
}

impl Shadows {
    /// What is known of a slot.
    pub(super) fn get(&self, slot: i32) -> Shadow {
        let place = (slot - self.first) as usize;
        match self.known.get(place / 64) {
            Some(known) if known >> (place % 64) & 1 != 0 => self.entries[place],
            _ => Shadow::NOTHING,
        }
    }

    /// Notes all that is known of a slot.
    pub(super) fn set(&mut self, slot: i32, shadow: Shadow) {
        let (place, word, bit) = self.place(slot);
        self.entries[place] = shadow;
        self.known[word] |= bit;
        if shadow.dirty {
            self.dirty[word] |= bit;
        } else {
            self.dirty[word] &= !bit;
        }
    }

    /// Notes something of a slot; whether its value is in memory stays as it is.
    pub(super) fn note(&mut self, slot: i32, change: impl FnOnce(&mut Shadow)) {
        let (place, word, bit) = self.place(slot);
        if self.known[word] & bit == 0 {
            self.known[word] |= bit;
            self.entries[place] = Shadow::NOTHING;
        }
        change(&mut self.entries[place]);
    }

    /// Makes room for a slot: the place of its entry, and of its bits.
    fn place(&mut self, slot: i32) -> (usize, usize, u64) {
        if self.known.is_empty() {
            self.first = slot & -64;
        }
        if slot < self.first {
            let words = ((self.first - slot) as usize).div_ceil(64);
            self.first -= 64 * words as i32;
            let nothing = std::iter::repeat_n(Shadow::NOTHING, 64 * words);
            self.entries.splice(0..0, nothing);
            for bits in [&mut self.known, &mut self.dirty] {
                bits.splice(0..0, std::iter::repeat_n(0, words));
            }
        }
        let place = (slot - self.first) as usize;
        if place >= self.entries.len() {
            self.entries.resize(place + 1, Shadow::NOTHING);
        }
        let word = place / 64;
        if word >= self.known.len() {
            self.known.resize(word + 1, 0);
            self.dirty.resize(word + 1, 0);
        }
        (place, word, 1 << (place % 64))
    }

    /// The lowest slot of which anything is known.
    pub(super) fn lowest(&self) -> Option<i32> {
        lowest_bit(&self.known).map(|place| self.first + place as i32)
    }

    /// An empty set of slots that has room for all below its end, from `start` on or before that.
    pub(super) fn empty_set(&self, start: i32) -> SlotSet {
        SlotSet::new(self.first.min(start & -64))
    }

    /// Appends what a snapshot has to say of the slots that are live, by ascending slot: their values
    /// where memory does not have them.
    pub(super) fn snapshot(&self, live: &SlotSet, slots: &mut Vec<SnapshotSlot>) {
        for (n, dirty) in self.dirty.iter().enumerate() {
            let first = self.first + 64 * n as i32;
            let mut bits = dirty & live.bits_from(first);
            while bits != 0 {
                let place = bits.trailing_zeros() as usize;
                bits &= bits - 1;
                let entry = &self.entries[64 * n + place];
                slots.push(SnapshotSlot {
                    slot: first + place as i32,
                    tag: entry.tag,
                    payload: entry.payload(),
                });
            }
        }
    }

    /// Memory has the values of live slots now; those of others that it had not are lost.
    pub(super) fn clean(&mut self, live: &SlotSet) {
        for (n, dirty) in self.dirty.iter_mut().enumerate() {
            self.known[n] &= !*dirty | live.bits_from(self.first + 64 * n as i32);
            let mut bits = std::mem::take(dirty);
            while bits != 0 {
                self.entries[64 * n + bits.trailing_zeros() as usize].dirty = false;
                bits &= bits - 1;
            }
        }
    }

    /// Forgets the slots from `from` up to but not including `to`.
    pub(super) fn forget(&mut self, from: i32, to: i32) {
        let end = self.first + 64 * self.known.len() as i32;
        let (from, to) = (from.clamp(self.first, end), to.clamp(self.first, end));
        for word in 0..self.known.len() {
            let first = self.first + 64 * word as i32;
            let below = |slot: i32| match slot - first {
                ..0 => 0,
                count @ 0..64 => (1 << count) - 1,
                _ => u64::MAX,
            };
            let kept = below(from) | !below(to);
            self.known[word] &= kept;
            self.dirty[word] &= kept;
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.known.fill(0);
        self.dirty.fill(0);
    }
}

fn lowest_bit(words: &[u64]) -> Option<usize> {
    let word = words.iter().position(|&bits| bits != 0)?;
    Some(64 * word + words[word].trailing_zeros() as usize)
}
