//! The long lists of traces, to be used again: memory that was used just now is in the processor's
//! caches, whereas the allocator comes back to it late.
//!
//! Invariant: the lists are empty; only their memory counts.

use super::snapshots::Entry;
use super::{Instruction, SnapshotSlot, Trace};
use perilune_runtime::gc::charge;

/// The empty lists of a trace that is no more.
#[derive(Debug, Default)]
pub struct Lists {
    code: Vec<Instruction>,
    pub(super) slots: Vec<SnapshotSlot>,
    pub(super) entries: Vec<Entry>,
}

impl Lists {
    /// Drops a trace, but not the memory of its code.
    pub(super) fn take_code(&mut self, mut trace: Trace) {
        trace.code.clear();
        self.code = trace.code;
    }

    /// How many elements the one has room for that has room for most.
    pub fn longest(&self) -> usize {
        let others = self.slots.capacity().max(self.entries.capacity());
        self.code.capacity().max(others)
    }

    /// Bytes that they take.
    pub fn bytes(&self) -> usize {
        charge::list::<Instruction>(self.code.capacity())
            + charge::list::<SnapshotSlot>(self.slots.capacity())
            + charge::list::<Entry>(self.entries.capacity())
    }
}

impl Trace {
    /// Uses the memory of these lists. The trace is empty still.
    pub fn take_lists(&mut self, mut lists: Lists) {
        self.snapshots.take_lists(&mut lists);
        self.code = lists.code;
    }

    /// Drops the trace, but not the memory of its lists.
    pub fn into_lists(mut self) -> Lists {
        let mut lists = Lists::default();
        std::mem::take(&mut self.snapshots).give_lists(&mut lists);
        lists.take_code(self);
        lists
    }
}
