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
use perilune_runtime::value::Value;
use std::rc::Rc;

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

/// The state of the machine at the start of a bytecode instruction.
#[derive(Clone, PartialEq, Debug)]
pub struct Snapshot {
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
    /// Slots that are not in memory yet, by ascending slot.
    pub slots: Vec<SnapshotSlot>,
    /// Objects that do not exist yet, by ascending name.
    pub objects: Vec<VirtualObject>,
    /// Which slots are live, counted from `live_start`: one bit each, lowest first.
    pub live: Rc<[u64]>,
    /// The slot of the first bit of `live`.
    pub live_start: i32,
    /// Whether guards leave through it that nothing in the program asks for: the optimiser bets that
    /// they hold.
    pub is_speculative: bool,
    /// Fuel that the trace has burnt for instructions from here on, which are not executed when it is
    /// left: to be given back.
    pub unspent: i32,
}

impl Snapshot {
    /// Whether the slot may be read from here on.
    pub fn is_live(&self, slot: i32) -> bool {
        let bit = slot - self.live_start;
        bit >= 0
            && self
                .live
                .get(bit as usize / 64)
                .is_some_and(|word| word >> (bit % 64) & 1 != 0)
    }
    /// The refs that are neither constants nor virtual objects, in the order in which exits and
    /// `Inherit` count them: for each slot its tag, then its payload; then so for each object's fields.
    pub fn values(&self) -> impl Iterator<Item = Ref> + '_ {
        let slots = self.slots.iter().map(|s| (s.tag, s.payload));
        let fields = self.objects.iter().flat_map(|o| o.fields.iter().copied());
        slots
            .chain(fields)
            .flat_map(|(tag, payload)| [tag, payload])
            .filter(|&r| r != Ref::NONE && !r.is_constant() && r.as_virtual().is_none())
    }
}
