//! Snapshots: what to restore when a trace is left.
//!
//! Invariants:
//! - Slots that a snapshot does not name have their value in memory already, or are dead.
//! - A virtual object is named only by slots and virtual objects of the same snapshot. It is made
//!   when the trace is left, once, however often it is named.
//! - The frames of the machine's memory, without the topmost `popped`, and with `frames` on top,
//!   are the frames at the snapshot's pc.

use super::Ref;
use perilune_runtime::frame::CallSite;
use perilune_runtime::gc::charge;
use perilune_runtime::value::Value;
use std::ops::Deref;

/// A stack slot whose value is not in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SnapshotSlot {
    /// Counted from the anchor.
    pub slot: i32,
    /// Its tag.
    pub tag: Ref,
    /// Its payload, of either register class; [`Ref::NONE`] when the tag has none (nil, booleans).
    pub payload: Ref,
}

/// What kind of object a virtual object is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VirtualKind {
    /// A table without a hash part: its fields are its record slots, then its list items.
    Table {
        /// The id of its shape.
        shape: u32,
        /// How many list items it has; none of them is nil.
        items: u32,
    },
    /// A cell: its one field is its value.
    Cell,
    /// A closure of the proto that this constant names: its fields are its upvalues, all cells.
    Closure(Ref),
}

/// An object that the trace has not made, since nobody but its exits needs it.
#[derive(Clone, PartialEq, Debug)]
pub struct VirtualObject {
    /// Its name: [`Ref::virtual_object`].
    pub name: Ref,
    /// What it is.
    pub kind: VirtualKind,
    /// Tag and payload of each field; the payload is [`Ref::NONE`] as in [`SnapshotSlot`].
    pub fields: Vec<(Ref, Ref)>,
}

/// A frame that the trace has entered without pushing it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PendingFrame {
    /// Where it returns to.
    pub site: *const CallSite,
    /// See [`Frame::varargs`](perilune_runtime::frame::Frame).
    pub varargs: u32,
    /// See [`Frame::flags`](perilune_runtime::frame::Frame).
    pub flags: u32,
}

/// A set of stack slots.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SlotSet {
    /// The slot of the first bit.
    start: i32,
    /// One bit for each slot, lowest first. Most sets need no more than these words.
    first: [u64; SlotSet::INLINE],
    more: Vec<u64>,
}

impl SlotSet {
    const INLINE: usize = 2;

    /// An empty set of slots from `start` on.
    pub fn new(start: i32) -> SlotSet {
        SlotSet {
            start,
            ..SlotSet::default()
        }
    }

    /// Whether the slot is in it.
    pub fn contains(&self, slot: i32) -> bool {
        let bit = slot.wrapping_sub(self.start);
        bit >= 0 && self.word(bit as usize / 64) >> (bit % 64) & 1 != 0
    }

    /// Adds the slots from `from` up to but not including `to`, which are none below its start.
    pub fn insert_range(&mut self, from: i32, to: i32) {
        if from >= to {
            return;
        }
        let (from, to) = ((from - self.start) as usize, (to - self.start) as usize);
        for n in from / 64..to.div_ceil(64) {
            let below = |bit: usize| match bit.saturating_sub(n * 64) {
                count @ 0..64 => (1 << count) - 1,
                _ => u64::MAX,
            };
            *self.word_mut(n) |= below(to) & !below(from);
        }
    }

    /// Adds the slots from `from` on, which is not below its start, by the bits of these words.
    pub fn insert_words(&mut self, from: i32, words: &[u64]) {
        let from = (from - self.start) as usize;
        let (place, shift) = (from / 64, from % 64);
        for (n, &bits) in words.iter().enumerate().filter(|(_, bits)| **bits != 0) {
            *self.word_mut(place + n) |= bits << shift;
            if shift != 0 && bits >> (64 - shift) != 0 {
                *self.word_mut(place + n + 1) |= bits >> (64 - shift);
            }
        }
    }

    /// A slot that is not above any in the set, and one above all of them.
    pub fn bounds(&self) -> (i32, i32) {
        let words = SlotSet::INLINE + self.more.len();
        (self.start, self.start + 64 * words as i32)
    }

    /// Whether the 64 slots from `slot` on are in it, one bit each.
    pub fn bits_from(&self, slot: i32) -> u64 {
        let distance = slot - self.start;
        let (place, shift) = (distance.div_euclid(64), distance.rem_euclid(64));
        let word = |n: i32| usize::try_from(n).map_or(0, |n| self.word(n));
        match shift {
            0 => word(place),
            _ => word(place) >> shift | word(place + 1) << (64 - shift),
        }
    }

    fn word(&self, n: usize) -> u64 {
        match self.first.get(n) {
            Some(&word) => word,
            None => self.more.get(n - SlotSet::INLINE).copied().unwrap_or(0),
        }
    }

    fn word_mut(&mut self, n: usize) -> &mut u64 {
        if n < SlotSet::INLINE {
            return &mut self.first[n];
        }
        let n = n - SlotSet::INLINE;
        if n >= self.more.len() {
            self.more.resize(n + 1, 0);
        }
        &mut self.more[n]
    }
}

/// Where execution stands at an exit: what of a snapshot the optimiser does not change.
#[derive(Clone, PartialEq, Debug)]
pub struct Point {
    /// The instruction.
    pub pc: *const u64,
    /// The constants of its function.
    pub constants: *const Value,
    /// Slots from the anchor to the base.
    pub base: i32,
    /// The end of the list that the instruction takes, if that is open.
    pub top: Option<i32>,
    /// Frames in memory that are no longer there.
    pub popped: u32,
    /// Frames that are not in memory yet, innermost last.
    pub frames: Vec<PendingFrame>,
    /// Which slots are live.
    pub live: SlotSet,
}

impl Point {
    /// A point in a function's code, with nothing live.
    pub fn new(pc: *const u64) -> Point {
        Point {
            pc,
            constants: std::ptr::null(),
            base: 0,
            top: None,
            popped: 0,
            frames: Vec::new(),
            live: SlotSet::default(),
        }
    }
}

impl Point {
    /// Bytes that one takes besides its struct.
    pub fn bytes(&self) -> usize {
        charge::list::<PendingFrame>(self.frames.capacity())
            + charge::list::<u64>(self.live.more.capacity())
    }
}

/// The state of the machine at the start of a bytecode instruction, as one of [`Snapshots`] has it.
///
/// [`Snapshots`]: super::Snapshots
#[derive(Clone, Copy, Debug)]
pub struct Snapshot<'a> {
    /// Where it is. The snapshots that become of one as a trace is rewritten share it.
    pub at: &'a Point,
    /// Slots that are not in memory yet, by ascending slot.
    pub slots: &'a [SnapshotSlot],
    /// Objects that do not exist yet, by ascending name.
    pub objects: &'a [VirtualObject],
    /// Whether guards leave through it that nothing in the program asks for: the optimiser bets that
    /// they hold.
    pub is_speculative: bool,
    /// Fuel that the trace has burnt for instructions from here on, which are not executed when it is
    /// left: to be given back.
    pub unspent: i32,
}

impl<'a> Snapshot<'a> {
    /// Whether the slot may be read from here on.
    pub fn is_live(&self, slot: i32) -> bool {
        self.at.live.contains(slot)
    }
    /// Calls `take` for all of [`Snapshot::values`]: faster where every guard is looked at.
    #[inline]
    pub fn for_each_value(&self, mut take: impl FnMut(Ref)) {
        let mut consider = |r: Ref| {
            if r.as_instruction().is_some() {
                take(r);
            }
        };
        for s in self.slots {
            consider(s.tag);
            consider(s.payload);
        }
        for &(tag, payload) in self.objects.iter().flat_map(|o| &o.fields) {
            consider(tag);
            consider(payload);
        }
    }
    /// The refs that are neither constants nor virtual objects, in the order in which exits and
    /// `Inherit` count them: for each slot its tag, then its payload; then so for each object's fields.
    pub fn values(&self) -> impl Iterator<Item = Ref> + 'a {
        let slots = self.slots.iter().map(|s| (s.tag, s.payload));
        let fields = self.objects.iter().flat_map(|o| o.fields.iter().copied());
        slots
            .chain(fields)
            .flat_map(|(tag, payload)| [tag, payload])
            .filter(|&r| r != Ref::NONE && !r.is_constant() && r.as_virtual().is_none())
    }
}

impl Deref for Snapshot<'_> {
    type Target = Point;

    fn deref(&self) -> &Point {
        self.at
    }
}
