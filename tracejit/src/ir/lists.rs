//! The long lists of traces, to be used again: memory that was used just now is in the processor's
//! caches, whereas the allocator comes back to it late.
//!
//! Invariant: the lists are empty; only their memory counts.

use super::interned::Interned;
use super::snapshots::Entry;
use super::{Constant, Instruction, Point, SnapshotSlot, Trace};
use perilune_runtime::gc::charge;

/// Elements that a list may have room for to be kept: most traces are shorter, and one that is long
/// shall not cost memory for ever.
pub const KEPT: usize = 4096;

/// Instructions of most traces, as they are recorded, at most.
pub const USUAL_LENGTH: usize = 256;

/// The empty lists of a trace that is no more, or of one to come.
#[derive(Debug, Default)]
pub struct Lists {
    pub(super) code: Vec<Instruction>,
    pub(super) constants: Vec<Constant>,
    pub(super) interned: Interned,
    pub(super) slots: Vec<SnapshotSlot>,
    pub(super) entries: Vec<Entry>,
    pub(super) points: Vec<Point>,
}

impl Lists {
    /// Lists with memory for a usual trace.
    pub fn usual() -> Lists {
        let mut lists = Lists::default();
        touch(&mut lists.code, 2 * USUAL_LENGTH, || {
            Instruction::new(super::Op::Loop, 0, &[])
        });
        touch(&mut lists.constants, USUAL_LENGTH / 8, || Constant::Vm);
        touch(&mut lists.slots, USUAL_LENGTH, || SnapshotSlot {
            slot: 0,
            tag: super::Ref::NONE,
            payload: super::Ref::NONE,
        });
        touch(&mut lists.entries, USUAL_LENGTH / 4, Entry::default);
        lists.points.reserve(USUAL_LENGTH / 8);
        lists
    }

    /// Drops what is in them; the memory stays.
    pub(super) fn clear(&mut self) {
        self.code.clear();
        self.constants.clear();
        self.interned.clear();
        self.slots.clear();
        self.entries.clear();
        self.points.clear();
    }

    /// How many elements the one has room for that has room for most.
    pub fn longest(&self) -> usize {
        let lengths = [
            self.code.capacity(),
            self.constants.capacity(),
            self.interned.capacity(),
            self.slots.capacity(),
            self.entries.capacity(),
            self.points.capacity(),
        ];
        lengths.into_iter().fold(0, usize::max)
    }

    /// Bytes that they take.
    pub fn bytes(&self) -> usize {
        charge::list::<Instruction>(self.code.capacity())
            + charge::list::<Constant>(self.constants.capacity())
            + charge::list::<u32>(self.interned.capacity())
            + charge::list::<SnapshotSlot>(self.slots.capacity())
            + charge::list::<Entry>(self.entries.capacity())
            + charge::list::<Point>(self.points.capacity())
    }
}

/// Gives an empty list room for so many elements, and has the system back that memory now.
pub fn touch<T>(list: &mut Vec<T>, count: usize, element: impl FnMut() -> T) {
    list.resize_with(count, element);
    list.clear();
}

impl Trace {
    /// Drops the trace, but not the memory of its lists.
    pub fn into_lists(self) -> Lists {
        let mut lists = Lists {
            code: self.code,
            constants: self.constants,
            interned: self.interned,
            ..Lists::default()
        };
        self.snapshots.give_lists(&mut lists);
        lists.clear();
        lists
    }
}
