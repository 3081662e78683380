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

use super::{Class, Snapshot};
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
}

/// What a step changed of the slots.
#[derive(Clone, Debug)]
struct Forgotten {
    anchor: i64,
    clobbers: (i32, i32),
    live: Snapshot,
}

impl Forgotten {
    fn changes(&self, slot: i64) -> bool {
        let slot = (slot - self.anchor) as i32;
        (self.clobbers.0..self.clobbers.1).contains(&slot) || !self.live.is_live(slot)
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
            Class::TableHeader | Class::Element | Class::ElementTag => {
                self.steps.len() as u64 + (self.appends << 32)
            }
            _ => self.steps.len() as u64,
        };
        let x = self.chance("memory", address ^ (class as u64) << 56, changes);
        let is_size =
            [layout::TABLE_BORDER, layout::TABLE_CAPACITY].contains(&((address & 0xffff) as i32));
        match class {
            Class::TableHeader if is_size => [0, 1, 2, 3, 5, 8, 64, 1 << 20][x as usize % 8],
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
    pub fn step(&mut self, anchor: i64, clobbers: (i32, i32), live: &Snapshot) {
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
    pub fn allocate(&mut self) -> u64 {
        self.calls += 1;
        if self.chance("allocate", self.calls, 0).is_multiple_of(8) {
            return 0;
        }
        0x7000_0000_0000 + (self.calls << 12)
    }

    /// Something is appended to a table, or there was no room: the helper's answer.
    pub fn append(&mut self) -> u64 {
        self.calls += 1;
        if self.chance("append", self.calls, 0).is_multiple_of(8) {
            return 0;
        }
        self.appends += 1;
        let parts = [Class::TableHeader, Class::Element, Class::ElementTag];
        self.memory
            .retain(|&(class, _), _| parts.iter().all(|&part| part as u8 != class));
        1
    }

    /// What has been written to memory and is still there.
    pub fn written(&self) -> BTreeMap<(u8, u64), u64> {
        self.memory.clone()
    }

    /// The slots, of those that `counts` names, that differ from what they were. The payload of nil
    /// and booleans is nobody's business.
    pub fn written_slots(&self, counts: impl Fn(i64) -> bool) -> BTreeMap<i64, (u8, u64)> {
        self.slots
            .iter()
            .filter(|&(&slot, _)| counts(slot))
            .map(|(&slot, &(tag, payload))| {
                let has_payload = !(value::FALSE..=value::TRUE).contains(&tag);
                (slot, (tag, if has_payload { payload } else { 0 }))
            })
            .filter(|&(slot, v)| self.unwritten_slot(slot) != v)
            .collect()
    }
}
