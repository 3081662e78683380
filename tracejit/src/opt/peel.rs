//! Loop peeling: the iteration is written twice, the second time knowing what the first one
//! established (Ardö, Bolz and Fijałkowski, "Loop-aware optimizations in PyPy's tracing JIT",
//! 2012). What is the same in every iteration thereby stays in the first copy; the second one is
//! the loop.
//!
//! Slots that an iteration changes are carried around the loop in registers: a phi for each.

use super::elements::{self, Element, Index};
use super::memory::Place;
use super::rewrite::Rewriter;
use super::rewrite::SHAPE_AND_SLOTS;
use super::{Passes, alias, bounds, sink};
use crate::ir::helper::HelperEffect;
use crate::ir::{Class, Effect, End, Instruction, NewSnapshot, Op, Phi, Ref, SnapshotSlot, Type};
use rustc_hash::FxHashMap;

/// A slot that the iteration changes, and its phis' first values.
struct Carried {
    slot: SnapshotSlot,
    tag: Ref,
    payload: Ref,
}

/// What is tried. Where it fails the trace is written anew, and less is tried: that is rare, so nothing is
/// kept to come back to.
#[derive(Debug)]
pub(super) struct Attempt {
    /// Whether the round is written twice.
    pub(super) is_loop: bool,
    /// Whether anything may be assumed of what the loop leaves alone.
    bets: bool,
    /// The elements to carry, if that was tried before.
    elements: Option<Vec<Element>>,
}

impl Attempt {
    /// Everything that the passes allow.
    pub(super) fn new(passes: &Passes) -> Attempt {
        Attempt {
            is_loop: passes.peel,
            bets: passes.alias && passes.memory && passes.guards,
            elements: None,
        }
    }

    /// What is left to be tried after a failure: less in any case.
    pub(super) fn without(mut self, failure: Failure) -> Attempt {
        match failure {
            Failure::Broken if self.bets => (self.bets, self.elements) = (false, None),
            Failure::Only(good) if self.elements.is_none() => self.elements = Some(good),
            // A second failure is one too many.
            Failure::Only(_)
                if self
                    .elements
                    .as_ref()
                    .is_some_and(|tried| !tried.is_empty()) =>
            {
                self.elements = Some(Vec::new());
            }
            _ => self.is_loop = false,
        }
        self
    }
}

/// Why the second copy can't be as it was tried.
#[derive(Debug)]
pub(super) enum Failure {
    /// The types of the values carried around the loop differ between iterations, or the second one
    /// can't be like the first.
    Impossible,
    /// What the plan assumes is not so.
    Broken,
    /// Of the elements that were to be carried only these can be.
    Only(Vec<Element>),
}

/// Writes the loop after the first copy, which is there.
///
/// # Errors
/// When that fails; what was written is of no use then.
pub(super) fn peel(
    w: &mut Rewriter,
    final_snapshot: u32,
    first: &[SnapshotSlot],
    attempt: &Attempt,
) -> Result<(), Failure> {
    let changes = Changes::of(w, final_snapshot);
    if attempt.bets {
        w.plan = alias::plan(w, &|place| changes.keep(place), &|slot| {
            changes.change_slot(slot)
        });
    }
    copy(
        w,
        final_snapshot,
        first,
        &changes,
        attempt.elements.as_deref(),
    )
}

/// The state at the loop's head, before it is entered.
fn head(w: &Rewriter, final_snapshot: u32, first: &[SnapshotSlot]) -> NewSnapshot {
    let old = w.old.snapshots.get(final_snapshot);
    NewSnapshot {
        point: w.old.snapshots.point_of(final_snapshot),
        slots: first.to_vec(),
        objects: w.described(first),
        is_speculative: old.is_speculative,
        unspent: old.unspent,
    }
}

/// Writes the second copy; `chosen` are the elements to carry if that was tried before.
fn copy(
    w: &mut Rewriter,
    final_snapshot: u32,
    first: &[SnapshotSlot],
    changes: &Changes,
    chosen: Option<&[Element]>,
) -> Result<(), Failure> {
    let plan = w.plan.clone();
    plan.guard(w, head(w, final_snapshot, first));
    let slots = w.old.snapshots.get(final_snapshot).slots.to_vec();
    let mut copies = FxHashMap::default();
    let carried = name_slots(w, &slots, first, &mut copies);
    let in_memory = plan.enter(w);
    let indices = indices(w, &carried, first);
    let elements = match chosen {
        Some(chosen) => chosen.to_vec(),
        None if w.passes.memory => elements::plan(w, &indices),
        None => Vec::new(),
    };
    let names = elements::enter(w, &elements);
    let heads = sink::heads(w, &copies);
    w.new.push(Instruction::new(Op::Loop, 0, &[]));
    w.unwritten_from = w.new.code.len();
    w.is_quiet = false;
    changes.forget(w);
    for &(place, r) in &in_memory {
        w.memory.set(place, r);
    }
    elements::tell(w, &indices, &elements, &names);
    w.is_refuted = false;
    w.sweep();
    let now: Vec<SnapshotSlot> = slots.iter().map(|s| w.mapped_slot(s)).collect();
    let Some(mut phis) = phis_of_slots(w, &carried, first, &now, &heads) else {
        return Err(Failure::Impossible);
    };
    for (place, entry) in in_memory {
        match w.memory.get(&place) {
            Some(back) if w.new.type_of(back) == w.new.type_of(entry) => {
                if back != entry {
                    phis.push(Phi { entry, back });
                }
            }
            _ => w.is_broken = true,
        }
    }
    if w.is_broken {
        return Err(Failure::Broken);
    }
    let ends: Vec<(i32, Ref)> = now.iter().map(|s| (s.slot, s.payload)).collect();
    match elements::close(w, &elements, &names, &ends) {
        Ok(more) => phis.extend(more),
        Err(good) => return Err(Failure::Only(good)),
    }
    w.new.phis = phis;
    w.new.end = End::Loop;
    if w.passes.bounds {
        let head = head(w, final_snapshot, first);
        w.edit = bounds::hoist(&mut w.new, head);
    }
    Ok(())
}

/// Names the slots that an iteration changes, for all rounds.
fn name_slots(
    w: &mut Rewriter,
    slots: &[SnapshotSlot],
    first: &[SnapshotSlot],
    copies: &mut FxHashMap<Ref, Ref>,
) -> Vec<Carried> {
    let mut carried = Vec::with_capacity(slots.len());
    for (&slot, now) in slots.iter().zip(first) {
        let tag = if now.tag.is_constant() {
            now.tag
        } else {
            w.fresh(now.tag)
        };
        let payload = match now.payload {
            Ref::NONE => Ref::NONE,
            r if r.as_virtual().is_some() => w.fresh_object(r, copies),
            r => w.fresh(r),
        };
        carried.push(Carried { slot, tag, payload });
        w.pending.insert(slot.slot, (tag, payload));
    }
    carried
}

/// The slots from which indices may be counted.
fn indices(w: &Rewriter, carried: &[Carried], first: &[SnapshotSlot]) -> Vec<Index> {
    let index = |(c, before): (&Carried, &SnapshotSlot)| {
        let is_value = before.payload != Ref::NONE && before.payload.as_virtual().is_none();
        let is_index =
            is_value && !before.payload.is_constant() && w.new.type_of(before.payload) == Type::Int;
        is_index.then_some(Index {
            slot: c.slot.slot,
            before: before.payload,
            entry: c.payload,
        })
    };
    carried.iter().zip(first).filter_map(index).collect()
}

/// The phis of the slots, if their values at the end of the second copy are like those at its head.
fn phis_of_slots(
    w: &mut Rewriter,
    carried: &[Carried],
    first: &[SnapshotSlot],
    now: &[SnapshotSlot],
    heads: &[sink::Head],
) -> Option<Vec<Phi>> {
    let mut phis = Vec::with_capacity(2 * carried.len());
    let mut objects = Vec::new();
    let mut is_possible = !w.is_refuted;
    for ((c, before), now) in carried.iter().zip(first).zip(now) {
        let is_stable = !c.tag.is_constant() || now.tag == c.tag;
        let same_class = c.payload == Ref::NONE && now.payload == Ref::NONE
            || w.new.type_of(now.payload) == w.new.type_of(c.payload);
        is_possible &= is_stable && same_class;
        let is_object = |r: Ref| r.as_virtual().is_some();
        let has_object = is_object(c.payload) || is_object(now.payload);
        let mut carry = |entry: Ref, before: Ref, back: Ref| {
            if entry != Ref::NONE && !entry.is_constant() && back != entry && back != before {
                phis.push(Phi { entry, back });
            }
        };
        carry(c.tag, before.tag, now.tag);
        if has_object {
            objects.push((c.payload, now.payload));
        } else {
            carry(c.payload, before.payload, now.payload);
        }
    }
    is_possible &= w.carry_objects(heads, objects, &mut phis);
    is_possible.then_some(phis)
}

/// What an iteration may change: it is not known at the head in every iteration.
struct Changes {
    /// Ascending.
    slots: Vec<i32>,
    fields: Vec<(Class, i32)>,
    /// One bit for each class.
    classes: u32,
    /// Slots that steps may change: from and to.
    clobbers: Vec<(i32, i32)>,
}

impl Changes {
    fn of(w: &Rewriter, final_snapshot: u32) -> Changes {
        let carried = w.old.snapshots.get(final_snapshot).slots;
        let mut changes = Changes {
            slots: carried.iter().map(|s| s.slot).collect(),
            fields: Vec::new(),
            classes: 0,
            clobbers: Vec::new(),
        };
        for i in &w.old.code {
            changes.add(w, i);
        }
        changes.slots.sort_unstable();
        changes
    }

    fn add(&mut self, w: &Rewriter, i: &Instruction) {
        match i.op {
            Op::StoreSlotTag | Op::StoreSlotInt | Op::StoreSlotFloat => {
                self.slots.push(i.imm);
            }
            Op::Step => {
                let step = &w.old.steps[i.imm as usize];
                self.clobbers.push(if step.leaves_thread {
                    (i32::MIN, i32::MAX)
                } else {
                    step.clobbers
                });
            }
            Op::CallInt | Op::CallFloat => {
                let effect = i.helper().map(|h| h.effect());
                match effect {
                    Some(HelperEffect::AddsField | HelperEffect::SetsMetatable) => {
                        for (class, at) in SHAPE_AND_SLOTS {
                            self.change_field(class, at);
                        }
                        self.change_class(Class::Node);
                        self.change_class(Class::Hash);
                    }
                    Some(HelperEffect::Finds) => {
                        self.change_class(Class::Found);
                    }
                    Some(effect) if !effect.is_write() => {}
                    _ => {
                        let classes = [
                            Class::TableHeader,
                            Class::Element,
                            Class::ElementTag,
                            Class::Node,
                            Class::Hash,
                        ];
                        classes
                            .into_iter()
                            .for_each(|class| self.change_class(class));
                    }
                }
            }
            op if op.effect() == Effect::Write => match Place::of(i) {
                Some(Place::Field(class, _, at)) if class != Class::Frame => {
                    self.change_field(class, at);
                }
                _ => {
                    self.change_class(i.class);
                }
            },
            _ => {}
        }
    }

    fn change_field(&mut self, class: Class, at: i32) {
        if !self.fields.contains(&(class, at)) {
            self.fields.push((class, at));
        }
    }

    fn change_class(&mut self, class: Class) {
        self.classes |= 1 << class as u8;
    }

    fn changes_class(&self, class: Class) -> bool {
        self.classes >> class as u8 & 1 != 0
    }

    /// Whether a place keeps its value, whatever the objects are that are written to.
    fn keep(&self, place: &Place) -> bool {
        let has_steps = !self.clobbers.is_empty();
        match *place {
            Place::Field(class, _, at) => {
                !self.changes_class(class)
                    && !self.fields.contains(&(class, at))
                    && (!has_steps || class == Class::Constant)
            }
            Place::Element(class, ..) => !self.changes_class(class) && !has_steps,
            _ => false,
        }
    }

    fn change_slot(&self, slot: i32) -> bool {
        let clobber = |&(from, to): &(i32, i32)| (from..to).contains(&slot);
        self.slots.binary_search(&slot).is_ok() || self.clobbers.iter().any(clobber)
    }

    /// Makes the sweep forget what it may not know at the head.
    fn forget(&self, w: &mut Rewriter) {
        w.memory.keep(|place| self.keep(place));
        w.plan.tell(&mut w.memory);
        w.memory.keep_slots(|slot| !self.change_slot(slot));
        if !self.clobbers.is_empty() {
            w.checked_stack = i32::MIN;
        }
    }
}
