//! What the end of a loop's first copy left out of memory: the slots that go round the loop in
//! registers, until the second copy stores to them.

use crate::ir::Ref;

/// Tag and payload of slots, by ascending slot: they are few.
#[derive(Clone, Debug, Default)]
pub(super) struct Pending {
    slots: Vec<(i32, (Ref, Ref))>,
}

impl Pending {
    /// The tag and payload of a slot that memory does not have.
    pub(super) fn get(&self, slot: i32) -> Option<(Ref, Ref)> {
        self.place(slot).ok().map(|n| self.slots[n].1)
    }

    pub(super) fn insert(&mut self, slot: i32, value: (Ref, Ref)) {
        match self.place(slot) {
            Ok(n) => self.slots[n].1 = value,
            Err(n) => self.slots.insert(n, (slot, value)),
        }
    }

    pub(super) fn remove(&mut self, slot: i32) {
        if let Ok(n) = self.place(slot) {
            self.slots.remove(n);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Slots with their tags and payloads.
    pub(super) fn iter(&self) -> impl Iterator<Item = (i32, (Ref, Ref))> + '_ {
        self.slots.iter().copied()
    }

    fn place(&self, slot: i32) -> Result<usize, usize> {
        self.slots.binary_search_by_key(&slot, |known| known.0)
    }
}
