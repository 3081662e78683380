//! The memory in which [`super::eval`] runs traces: made up from a seed, the same for the same seed.
//!
//! Whatever nobody has written has a value that follows from its place, from the seed, and from the
//! number of steps that may have changed it. So two runs that do the same find the same, and one
//! that remembers what it should have forgotten is found out.
//!
//! Invariants:
//! - A step changes every slot that it may change, every dead slot (the collector clears them), and
//!   all memory but constants. A helper that appends changes every part of tables that it may.
//! - Places that hold what nobody wrote are not kept: equal memories compare equal.

use super::fresh::{self, Names, New};
use super::{Class, SlotSet};
use perilune_runtime::table::shape::EMPTY_SHAPE;
use perilune_runtime::{layout, value};
use std::collections::BTreeMap;

/// The address of the machine.
pub const VM: u64 = 0x7000_0000;

/// What is not determined by the trace, and the memory.
#[derive(Clone, Debug)]
pub struct World {
    seed: u64,
    /// Steps until an event is pending.
    quiet: u32,
    /// Stack slots, counted from the first anchor: tag and payload.
    slots: BTreeMap<i64, (u8, u64)>,
    memory: BTreeMap<(u8, u64), u64>,
    steps: Vec<Forgotten>,
    appends: u64,
    calls: u64,
    /// Objects made.
    made: u64,
    /// Times that objects were paid for that were not made.
    payments: u64,
    burnt: i64,
    /// Record slots of the tables among them.
    counts: BTreeMap<u64, u64>,
    /// Whether there is always memory for objects.
    has_memory: bool,
}

/// What a step changed of the slots.
#[derive(Clone, Debug)]
struct Forgotten {
    anchor: i64,
    clobbers: (i32, i32),
    live: SlotSet,
}

impl Forgotten {
    fn changes(&self, slot: i64) -> bool {
        let slot = (slot - self.anchor) as i32;
        (self.clobbers.0..self.clobbers.1).contains(&slot) || !self.live.contains(slot)
    }
}

/// The interesting values of 64 bits.
const VALUES: &[u64] = &[
    0,
    1,
    2,
    3,
    63,
    64,
    -1i64 as u64,
    i64::MIN as u64,
    i64::MAX as u64,
    0x8000_0000,
    (1 << 53) + 1,
    0x3ff0_0000_0000_0000, // 1.0
    0x4004_0000_0000_0000, // 2.5
    0x7ff0_0000_0000_0000, // infinity
    0x7ff8_0000_0000_0000, // a NaN
    0xfff8_0000_0000_0001, // another, with the other sign
];

/// Mixes bits well enough (the finaliser of MurmurHash3).
fn mixed(mut x: u64) -> u64 {
    for multiplier in [0xff51_afd7_ed55_8ccd, 0xc4ce_b9fe_1a85_ec53] {
        x = (x ^ x >> 33).wrapping_mul(multiplier);
    }
    x ^ x >> 33
}

/// Slots with their tags and payloads, and memory by class and address.
pub(super) type Seen = (BTreeMap<i64, (u8, u64)>, BTreeMap<(u8, u64), u64>);

impl World {
    /// A world in which an event is pending from the step with this number on.
    pub fn new(seed: u64, quiet: u32) -> World {
        World {
            seed,
            quiet,
            slots: BTreeMap::new(),
            memory: BTreeMap::new(),
            steps: Vec::new(),
            appends: 0,
            calls: 0,
            made: 0,
            payments: 0,
            burnt: 0,
            counts: BTreeMap::new(),
            has_memory: false,
        }
    }

    /// The same world, in which no helper that makes an object declines. Two traces of which one
    /// makes fewer objects compare in such worlds only.
    #[must_use]
    pub fn with_memory(self) -> World {
        World {
            has_memory: true,
            ..self
        }
    }

    fn chance(&self, what: &str, n: u64, m: u64) -> u64 {
        let mut x = self.seed;
        for part in [what.len() as u64 + 1, n, m] {
            x = mixed(x.wrapping_add(0x9e37_79b9_7f4a_7c15) ^ part.wrapping_mul(0xa076_1d64));
        }
        x
    }

    /// A value that the parent of a side trace hands over.
    pub fn inherited(&self, n: i32, is_float: bool) -> u64 {
        let x = self.chance("inherited", n as u64, is_float as u64);
        VALUES[x as usize % VALUES.len()]
    }

    /// Whether nothing is pending. What other threads ask for may be seen a while later, so here it
    /// comes up with steps.
    pub fn is_quiet(&self) -> bool {
        self.quiet > 1
    }

    /// A step is done.
    pub fn go_on(&mut self) {
        self.quiet = self.quiet.saturating_sub(1);
    }

    /// The last address that the stack may reach, in bytes from the first anchor. It moves with the
    /// steps.
    pub fn stack_limit(&self) -> i64 {
        let x = self.chance("limit", self.steps.len() as u64, 0);
        [1 << 20, 96][usize::from(x.is_multiple_of(4))]
    }

    /// Whether the next step goes on as recorded.
    pub fn goes_on(&self) -> bool {
        !self
            .chance("goes on", self.steps.len() as u64, 0)
            .is_multiple_of(8)
    }

    /// What a slot holds.
    pub fn slot(&self, slot: i64) -> (u8, u64) {
        let written = self.slots.get(&slot);
        written
            .copied()
            .unwrap_or_else(|| self.unwritten_slot(slot))
    }

    fn unwritten_slot(&self, slot: i64) -> (u8, u64) {
        let changes = self.steps.iter().rposition(|step| step.changes(slot));
        let x = self.chance("slot", slot as u64, changes.map_or(0, |n| n as u64 + 1));
        let tag = [value::INTEGER, value::FLOAT, value::TABLE, value::NIL][(x % 16 / 5) as usize];
        let payload = match tag {
            value::NIL => 0,
            value::TABLE => self.address(x),
            _ => VALUES[(x >> 8) as usize % VALUES.len()],
        };
        (tag, payload)
    }

    /// An address of an object, far from those of others.
    fn address(&self, x: u64) -> u64 {
        0x1_0000 * (1 + (x >> 32) % 3)
    }

    /// Writes a slot.
    pub fn set_slot(&mut self, slot: i64, tag: u8, payload: u64) {
        if self.unwritten_slot(slot) == (tag, payload) {
            self.slots.remove(&slot);
        } else {
            self.slots.insert(slot, (tag, payload));
        }
    }

    /// What memory holds.
    pub fn load(&self, class: Class, address: u64) -> u64 {
        let written = self.memory.get(&(class as u8, address));
        written
            .copied()
            .unwrap_or_else(|| self.unwritten(class, address))
    }

    fn unwritten(&self, class: Class, address: u64) -> u64 {
        let changes = match class {
            Class::Constant => 0,
            Class::TableHeader | Class::Element | Class::ElementTag
                if fresh::parts(address).is_none() =>
            {
                self.steps.len() as u64 + (self.appends << 32)
            }
            _ => self.steps.len() as u64,
        };
        let place = fresh::parts(address).map_or(address, |(_, offset)| 0x9_0000 | offset);
        let x = self.chance("memory", place ^ (class as u64) << 56, changes);
        let field = (place & 0xffff) as i32;
        let size = [0, 1, 2, 3, 5, 8, 64, 1 << 20][x as usize % 8];
        match class {
            Class::TableHeader if field == layout::TABLE_BORDER => size,
            // The border lies within the capacity.
            Class::TableHeader if field == layout::TABLE_CAPACITY => {
                let border = layout::TABLE_BORDER - layout::TABLE_CAPACITY;
                let border = address.wrapping_add_signed(border.into());
                size.max(self.unwritten(class, border))
            }
            // Addresses.
            Class::TableHeader | Class::Constant if !x.is_multiple_of(16) => self.address(x),
            Class::FrameTop => 0x5000_0000,
            Class::Machine => 0x6000_0000,
            Class::Shape | Class::Mark | Class::ElementTag => x % 3,
            // Tags stand 8 bytes above their payloads.
            Class::Record | Class::Cell if address % 16 == 8 => x % 3,
            _ => VALUES[x as usize % VALUES.len()],
        }
    }

    /// Writes the bits of memory that the mask names.
    pub fn store(&mut self, class: Class, address: u64, bits: u64, mask: u64) {
        let bits = self.load(class, address) & !mask | bits & mask;
        if self.unwritten(class, address) == bits {
            self.memory.remove(&(class as u8, address));
        } else {
            self.memory.insert((class as u8, address), bits);
        }
    }

    /// A step is done: what it may change changes.
    pub fn step(&mut self, anchor: i64, clobbers: (i32, i32), live: &SlotSet) {
        let step = Forgotten {
            anchor,
            clobbers,
            live: live.clone(),
        };
        self.slots.retain(|&slot, _| !step.changes(slot));
        self.steps.push(step);
        self.memory
            .retain(|&(class, _), _| class == Class::Constant as u8);
    }

    /// A new object's address, or 0 when there is none.
    pub(super) fn allocate(&mut self, new: New) -> u64 {
        self.made += 1;
        if !self.has_memory && self.chance("allocate", self.made, 0).is_multiple_of(8) {
            return 0;
        }
        self.make(new)
    }

    /// A new object's address, whatever memory there is.
    pub(super) fn make(&mut self, new: New) -> u64 {
        self.made += 1;
        let object = fresh::address(self.made);
        let mut set = |class, at: i32, bits: u64| {
            self.store(class, object + at as u64, bits, u64::MAX);
        };
        match new {
            New::Table(_) | New::Record(..) => {
                let (shape, items, room) = match new {
                    New::Table(room) => (EMPTY_SHAPE.into(), 0, room),
                    New::Record(shape, _, items) => (shape, items, items),
                    _ => (0, 0, 0),
                };
                set(Class::Shape, layout::OBJECT_EXTRA, shape);
                for (at, bits) in [
                    (layout::TABLE_SLOTS, object + fresh::SLOTS),
                    (layout::TABLE_TAGS, object + fresh::TAGS),
                    (layout::TABLE_ARRAY, object + fresh::PAYLOADS),
                    (layout::TABLE_BORDER, items),
                    (layout::TABLE_CAPACITY, room),
                    (layout::TABLE_HASH, 0),
                ] {
                    set(Class::TableHeader, at, bits);
                }
                for n in 0..room.min(fresh::PAYLOADS - fresh::TAGS) {
                    let at = fresh::TAGS + n;
                    set(Class::ElementTag, at as i32, value::NIL.into());
                }
            }
            New::Cell(tag, payload) => {
                let at = layout::CELL_VALUE;
                set(Class::Cell, at + layout::VALUE_TAG, tag);
                set(Class::Cell, at + layout::VALUE_PAYLOAD, payload);
            }
            New::Closure(proto) => set(Class::Constant, layout::CLOSURE_PROTO, proto),
        }
        self.counts.insert(object, 0);
        if let New::Record(shape, count, _) = new {
            for _ in 0..count {
                self.add_slot(object, shape);
            }
        }
        object
    }

    /// The address of a string that follows from what it is made of, or 0 when there is no memory.
    pub(super) fn make_string(&mut self, helper: u64, operands: [u64; 3]) -> u64 {
        self.made += 1;
        if !self.has_memory && self.chance("allocate", self.made, 0).is_multiple_of(8) {
            return 0;
        }
        let text = operands.iter().fold(helper, |x, &part| mixed(x ^ part));
        0x6000_0000_0000 + (text & 0xffff_fff0)
    }

    /// Whether the collector is not yet due when objects that are not made are paid for.
    pub fn pay(&mut self) -> bool {
        self.payments += 1;
        let is_due = self.chance("pay", self.payments, 0).is_multiple_of(8);
        !is_due
    }

    /// Whether there is fuel for so many instructions.
    pub fn burn(&mut self, instructions: i32) -> bool {
        self.burnt += i64::from(instructions);
        let is_out = self.chance("burn", self.burnt as u64, 0).is_multiple_of(8);
        !is_out
    }

    /// Gives a table another record slot, and this shape; false when there is no room.
    pub fn add_slot(&mut self, t: u64, shape: u64) -> bool {
        let count = self.counts.get_mut(&t);
        let nil = count.map(|count| {
            *count += 1;
            let at = (*count as i32 - 1) * layout::VALUE_SIZE + layout::VALUE_TAG;
            t + fresh::SLOTS + at as u64
        });
        if nil.is_none() && self.append(t) == 0 {
            return false;
        }
        self.give_shape(t, shape);
        if let Some(nil) = nil {
            self.store(Class::Record, nil, value::NIL.into(), u64::MAX);
        }
        true
    }

    /// Gives a table this shape.
    pub fn give_shape(&mut self, t: u64, shape: u64) {
        let place = t.wrapping_add(layout::OBJECT_EXTRA as u64);
        self.store(Class::Shape, place, shape, u64::MAX);
    }

    /// Gives a table that the trace has made so many more list items; false where there are others.
    pub fn extend_list(&mut self, t: u64, first: u64, count: u64) -> bool {
        let place = |at: i32| t.wrapping_add(at as u64);
        let size = |at| self.load(Class::TableHeader, place(at));
        let last = first.wrapping_add(count);
        if size(layout::TABLE_BORDER) != first {
            return false;
        }
        let room = size(layout::TABLE_CAPACITY).max(last);
        for (at, size) in [(layout::TABLE_BORDER, last), (layout::TABLE_CAPACITY, room)] {
            self.store(Class::TableHeader, place(at), size, u64::MAX);
        }
        true
    }

    /// Whether an object was made by the trace.
    pub fn is_fresh(&self, address: u64) -> bool {
        fresh::parts(address).is_some()
    }

    /// Something is appended to table `t`, or there was no room: the helper's answer.
    pub fn append(&mut self, t: u64) -> u64 {
        self.calls += 1;
        if self.chance("append", self.calls, 0).is_multiple_of(8) {
            return 0;
        }
        self.appends += 1;
        let parts = [Class::TableHeader, Class::Element, Class::ElementTag];
        // No other name leads to an object that the trace has made.
        let is_other = |at: u64| fresh::parts(at).is_some_and(|(object, _)| object != t);
        self.memory.retain(|&(class, at), _| {
            is_other(at) || parts.iter().all(|&part| part as u8 != class)
        });
        1
    }

    /// What others can see: of the slots, those that `counts` names and that differ from what they
    /// were, and what has been written to memory. The operands lead to objects, too; all are given
    /// their names. The payload of nil and booleans is nobody's business.
    pub(super) fn visible(&self, operands: &mut [u64], counts: impl Fn(i64) -> bool) -> Seen {
        let mut names = Names::default();
        operands
            .iter_mut()
            .for_each(|bits| *bits = names.name(*bits));
        let slots = self.written_slots(counts);
        let name = |(slot, (tag, payload))| (slot, (tag, names.name(payload)));
        let slots = slots.into_iter().map(name).collect();
        let mut memory = BTreeMap::new();
        for (&(class, address), &bits) in &self.memory {
            if fresh::parts(address).is_none() {
                memory.insert((class, address), names.name(bits));
            }
        }
        while let Some(object) = names.found.pop() {
            let own = |address: u64| fresh::parts(address).is_some_and(|(base, _)| base == object);
            for &class in Class::ALL {
                let from = (class as u8, object);
                let parts = self
                    .memory
                    .range(from..)
                    .take_while(|(place, _)| place.0 == class as u8 && own(place.1));
                for (&(_, address), &bits) in parts {
                    let tag = fresh::tag_of_payload(class, address);
                    let has_value = tag
                        .is_none_or(|(class, at)| fresh::has_payload(self.load(class, at) as u8));
                    if has_value && fresh::is_seen(class, address, bits) {
                        memory.insert((class as u8, names.name(address)), names.name(bits));
                    }
                }
            }
        }
        (slots, memory)
    }

    fn written_slots(&self, counts: impl Fn(i64) -> bool) -> BTreeMap<i64, (u8, u64)> {
        self.slots
            .iter()
            .filter(|&(&slot, _)| counts(slot))
            .map(|(&slot, &(tag, payload))| {
                (
                    slot,
                    (tag, if fresh::has_payload(tag) { payload } else { 0 }),
                )
            })
            .filter(|&(slot, v)| self.unwritten_slot(slot) != v)
            .collect()
    }
}
