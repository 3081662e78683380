//! What memory is known to hold: loads and stores are remembered by their place, and forgotten when
//! a store, call or step may have changed the place.
//!
//! Two places are the same memory or disjoint: classes never overlap, and within one class an
//! access at one offset never overlaps with another. Whether two addresses are the same object is
//! not known, unless both are constants, or a guard has found them to differ.

use super::guards::Facts;
use crate::ir::helper::HelperEffect;
use crate::ir::{Class, Constant, Effect, Helper, Instruction, Op, Ref, Trace};

/// A place in memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Place {
    /// The tag of a stack slot.
    SlotTag(i32),
    /// The payload of a stack slot.
    SlotPayload(i32),
    /// At an offset from an address.
    Field(Class, Ref, i32),
    /// An element of an array: address, index, offset.
    Element(Class, Ref, Ref, i32),
}

impl Place {
    /// The place that a load or store other than of slots accesses.
    pub(super) fn of(i: &Instruction) -> Option<Place> {
        let [a, b, _] = i.args;
        match i.op {
            Op::Load8At | Op::Load64At | Op::LoadFloatAt => {
                Some(Place::Element(i.class, a, b, i.imm))
            }
            Op::Store8At | Op::Store64At | Op::StoreFloatAt => {
                Some(Place::Element(i.class, a, b, i.imm))
            }
            op if matches!(op.effect(), Effect::Read | Effect::Write) && i.class != Class::None => {
                Some(Place::Field(i.class, a, i.imm))
            }
            _ => None,
        }
    }

    pub(super) fn class(&self) -> Class {
        match *self {
            Place::SlotTag(_) | Place::SlotPayload(_) => Class::None,
            Place::Field(class, ..) | Place::Element(class, ..) => class,
        }
    }
}

/// Values of places.
#[derive(Clone, Default, Debug)]
pub(super) struct Memory {
    /// Tags and payloads of slots.
    slots: Slots,
    steps: u32,
    /// By class; short lists, the latest last.
    others: [Vec<(Place, Ref)>; Class::ALL.len()],
}

/// What slots hold.
#[derive(Clone, Default, Debug)]
struct Slots {
    /// The slot of the first entry.
    first: i32,
    /// Tag and payload, each with the number of steps that had been taken when it was loaded or stored;
    /// [`Ref::NONE`] for what is not known.
    entries: Vec<[(Ref, u32); 2]>,
}

impl Slots {
    const UNKNOWN: [(Ref, u32); 2] = [(Ref::NONE, 0); 2];

    fn get(&self, slot: i32, part: usize) -> Option<(Ref, u32)> {
        let entry = self.entries.get(slot.wrapping_sub(self.first) as usize)?;
        Some(entry[part]).filter(|&(r, _)| r != Ref::NONE)
    }

    fn set(&mut self, slot: i32, part: usize, value: (Ref, u32)) {
        if self.entries.is_empty() {
            self.first = slot;
        }
        if slot < self.first {
            let missing = (self.first - slot) as usize;
            let unknown = std::iter::repeat_n(Slots::UNKNOWN, missing);
            self.entries.splice(0..0, unknown);
            self.first = slot;
        }
        let place = (slot - self.first) as usize;
        if place >= self.entries.len() {
            self.entries.resize(place + 1, Slots::UNKNOWN);
        }
        self.entries[place][part] = value;
    }

    fn remove(&mut self, slot: i32, part: usize) {
        let place = slot.wrapping_sub(self.first) as usize;
        if let Some(entry) = self.entries.get_mut(place) {
            entry[part] = (Ref::NONE, 0);
        }
    }

    fn keep(&mut self, keeps: impl Fn(i32) -> bool) {
        for (slot, entry) in (self.first..).zip(&mut self.entries) {
            if *entry != Slots::UNKNOWN && !keeps(slot) {
                *entry = Slots::UNKNOWN;
            }
        }
    }
}

/// Places remembered for one class: keeps forgetting cheap.
const REMEMBERED: usize = 48;
/// As many as most classes have.
const USUAL: usize = 16;

impl Memory {
    pub(super) fn get(&self, place: &Place) -> Option<Ref> {
        match *place {
            Place::SlotTag(slot) => self.slots.get(slot, 0).map(|known| known.0),
            Place::SlotPayload(slot) => self.slots.get(slot, 1).map(|known| known.0),
            _ => self.others[place.class() as usize]
                .iter()
                .rev()
                .find(|(known, _)| known == place)
                .map(|&(_, r)| r),
        }
    }

    pub(super) fn set(&mut self, place: Place, r: Ref) {
        match place {
            Place::SlotTag(slot) => self.slots.set(slot, 0, (r, self.steps)),
            Place::SlotPayload(slot) => self.slots.set(slot, 1, (r, self.steps)),
            _ => {
                let list = &mut self.others[place.class() as usize];
                if let Some(n) = list.iter().rposition(|(known, _)| *known == place) {
                    list.remove(n);
                }
                self.add(place, r);
            }
        }
    }

    /// Notes what a place holds of which nothing is known.
    pub(super) fn add(&mut self, place: Place, r: Ref) {
        match place {
            Place::SlotTag(_) | Place::SlotPayload(_) => self.set(place, r),
            _ => {
                let list = &mut self.others[place.class() as usize];
                if list.len() >= REMEMBERED {
                    list.remove(0);
                } else if list.is_empty() {
                    list.reserve(USUAL);
                }
                list.push((place, r));
            }
        }
    }

    /// What is known of the places of a class, the latest last.
    pub(super) fn places(&self, class: Class) -> &[(Place, Ref)] {
        &self.others[class as usize]
    }

    /// What a store need not store. For a slot this wants to be known since the last step: in a step
    /// the collector clears slots that are dead, which nobody loads from before they are stored to
    /// again.
    pub(super) fn stored(&self, place: &Place) -> Option<Ref> {
        let known = match *place {
            Place::SlotTag(slot) => self.slots.get(slot, 0),
            Place::SlotPayload(slot) => self.slots.get(slot, 1),
            _ => return self.get(place),
        };
        known
            .filter(|known| known.1 == self.steps)
            .map(|known| known.0)
    }

    /// Forgets what a store to `place` may change.
    pub(super) fn kill(&mut self, trace: &Trace, facts: &Facts, place: &Place) {
        match *place {
            Place::SlotTag(slot) => self.slots.remove(slot, 0),
            Place::SlotPayload(slot) => self.slots.remove(slot, 1),
            Place::Element(class, array, index, at) => {
                let (base, distance) = base_and_distance(trace, index);
                self.others[class as usize].retain(|(known, _)| match *known {
                    Place::Element(_, x, i, other) if x == array && at == other => {
                        let (other_base, other_distance) = base_and_distance(trace, i);
                        base == other_base && distance != other_distance
                    }
                    _ => false,
                });
            }
            Place::Field(class, ..) => self.others[class as usize]
                .retain(|(known, _)| known != place && are_disjoint(trace, facts, known, place)),
        }
    }

    pub(super) fn kill_class(&mut self, class: Class) {
        self.others[class as usize].clear();
    }

    /// Forgets what a residual step may change: all but constants, and slots but for those that
    /// `keeps` names.
    pub(super) fn after_step(&mut self, keeps: impl Fn(i32) -> bool) {
        for &class in Class::ALL {
            if class != Class::Constant {
                self.kill_class(class);
            }
        }
        self.steps += 1;
        self.keep_slots(keeps);
    }

    /// Forgets the slots but those that `keeps` names.
    pub(super) fn keep_slots(&mut self, keeps: impl Fn(i32) -> bool) {
        self.slots.keep(keeps);
    }

    /// Forgets the places of a class that `keeps` does not name.
    pub(super) fn keep(&mut self, keeps: impl Fn(&Place) -> bool) {
        for list in &mut self.others {
            list.retain(|(place, _)| keeps(place));
        }
    }
}

/// Whether two places of one class can't be the same memory.
pub(super) fn are_disjoint(trace: &Trace, facts: &Facts, a: &Place, b: &Place) -> bool {
    match (a, b) {
        (&Place::Field(class, x, at), &Place::Field(_, y, other)) => {
            // Frames are counted from addresses in the middle of them.
            (at != other && (class != Class::Frame || x == y))
                || are_different_objects(trace, x, y)
                || facts.differ(x, y)
        }
        (&Place::Element(_, x, i, at), &Place::Element(_, y, j, other)) => {
            x == y && at == other && are_different_indices(trace, i, j)
        }
        _ => false,
    }
}

fn are_different_objects(trace: &Trace, x: Ref, y: Ref) -> bool {
    let (x, y) = (owner(trace, x), owner(trace, y));
    if is_newer(trace, x, y) || is_newer(trace, y, x) {
        return true;
    }
    match (trace.constant_of(x), trace.constant_of(y)) {
        (Some(Constant::Object(a)), Some(Constant::Object(b))) => a != b,
        _ => false,
    }
}

/// The object that a part belongs to, by the address of the part; others are their own.
fn owner(trace: &Trace, r: Ref) -> Ref {
    match r.as_instruction().map(|n| &trace.code[n]) {
        Some(i) if i.op == Op::Load64 && i.class == Class::TableHeader => i.args[0],
        _ => r,
    }
}

/// Whether `x` was made when `y` was there already.
fn is_newer(trace: &Trace, x: Ref, y: Ref) -> bool {
    let Some(n) = x.as_instruction() else {
        return false;
    };
    let i = &trace.code[n];
    let allocates = i.op == Op::CallInt
        && Helper::ALL
            .get(i.imm as usize)
            .is_some_and(|h| h.effect() == HelperEffect::Allocates);
    allocates && y.as_instruction().is_none_or(|m| m < n)
}

/// Whether two indices differ: different constants, or different distances from the same value.
fn are_different_indices(trace: &Trace, i: Ref, j: Ref) -> bool {
    let (a, b) = (base_and_distance(trace, i), base_and_distance(trace, j));
    a.0 == b.0 && a.1 != b.1
}

/// A value as another one and a constant that was added to it.
pub(super) fn base_and_distance(trace: &Trace, r: Ref) -> (Ref, i64) {
    if let Some(i) = trace.int_of(r) {
        return (Ref::NONE, i);
    }
    let (mut base, mut distance) = (r, 0i64);
    while let Some(n) = base.as_instruction() {
        let i = &trace.code[n];
        let added = match (i.op, trace.int_of(i.args[1])) {
            (Op::Add, Some(c)) => c,
            (Op::Sub, Some(c)) => c.wrapping_neg(),
            _ => break,
        };
        distance = distance.wrapping_add(added);
        base = i.args[0];
    }
    (base, distance)
}
