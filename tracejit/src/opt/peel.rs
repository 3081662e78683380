//! Loop peeling: the iteration is written twice, the second time knowing what the first one
//! established (Ardö, Bolz and Fijałkowski, "Loop-aware optimizations in PyPy's tracing JIT",
//! 2012). What is the same in every iteration thereby stays in the first copy; the second one is
//! the loop.
//!
//! Slots that an iteration changes are carried around the loop in registers: a phi for each.

use super::bounds;
use super::memory::Place;
use super::rewrite::Rewriter;
use super::rewrite::SHAPE_AND_SLOTS;
use crate::ir::helper::HelperEffect;
use crate::ir::{Class, Effect, End, Helper, Instruction, Op, Phi, Ref, Snapshot, SnapshotSlot};
use rustc_hash::FxHashSet;

/// A slot that the iteration changes, and its phis' first values.
struct Carried {
    slot: SnapshotSlot,
    tag: Ref,
    payload: Ref,
}

/// Writes the loop after the first copy, which is there. False when the types of the values carried
/// around it differ between iterations; the new trace ends after the first copy then.
pub(super) fn peel(w: &mut Rewriter, final_snapshot: u32, first: &[SnapshotSlot]) -> bool {
    let first_copy = w.new.code.len();
    let first_snapshots = w.new.snapshots.len();
    let slots = w.old.snapshots[final_snapshot as usize].slots.clone();
    let mut carried = Vec::with_capacity(slots.len());
    for (&slot, now) in slots.iter().zip(first) {
        let tag = if now.tag.is_constant() {
            now.tag
        } else {
            w.fresh(now.tag)
        };
        let payload = match now.payload {
            Ref::NONE => Ref::NONE,
            r => w.fresh(r),
        };
        carried.push(Carried { slot, tag, payload });
        w.pending.insert(slot.slot, (tag, payload));
    }
    w.new.push(Instruction::new(Op::Loop, 0, &[]));
    forget_changes(w, &slots);
    w.sweep();
    let mut phis = Vec::new();
    for (c, before) in carried.iter().zip(first) {
        let now = w.mapped_slot(&c.slot);
        let is_stable = if c.tag.is_constant() {
            now.tag == c.tag
        } else {
            true
        };
        let same_class = c.payload == Ref::NONE && now.payload == Ref::NONE
            || w.new.type_of(now.payload) == w.new.type_of(c.payload);
        if !is_stable || !same_class {
            w.new.code.truncate(first_copy);
            w.new.snapshots.truncate(first_snapshots);
            w.pending.clear();
            return false;
        }
        let mut carry = |entry: Ref, before: Ref, back: Ref| {
            if entry != Ref::NONE && !entry.is_constant() && back != entry && back != before {
                phis.push(Phi { entry, back });
            }
        };
        carry(c.tag, before.tag, now.tag);
        carry(c.payload, before.payload, now.payload);
    }
    w.new.phis = phis;
    w.new.end = End::Loop;
    if w.passes.bounds {
        let head = Snapshot {
            slots: first.to_vec(),
            ..w.old.snapshots[final_snapshot as usize].clone()
        };
        bounds::hoist(&mut w.new, head);
    }
    true
}

/// Forgets what an iteration may change, since it is not known at the head in every iteration.
fn forget_changes(w: &mut Rewriter, carried: &[SnapshotSlot]) {
    let mut slots: FxHashSet<i32> = carried.iter().map(|s| s.slot).collect();
    let mut fields: FxHashSet<(Class, i32)> = FxHashSet::default();
    let mut classes: FxHashSet<Class> = FxHashSet::default();
    let mut clobbers = Vec::new();
    for i in &w.old.code {
        match i.op {
            Op::StoreSlotTag | Op::StoreSlotInt | Op::StoreSlotFloat => {
                slots.insert(i.imm);
            }
            Op::Step => {
                let step = &w.old.steps[i.imm as usize];
                clobbers.push(if step.leaves_thread {
                    (i32::MIN, i32::MAX)
                } else {
                    step.clobbers
                });
            }
            Op::CallInt | Op::CallFloat => {
                let effect = Helper::ALL.get(i.imm as usize).map(|h| h.effect());
                match effect {
                    Some(HelperEffect::AddsField | HelperEffect::SetsMetatable) => {
                        fields.extend(SHAPE_AND_SLOTS);
                    }
                    Some(HelperEffect::Finds) => {
                        classes.insert(Class::Found);
                    }
                    Some(effect) if !effect.is_write() => {}
                    _ => {
                        classes.extend([Class::TableHeader, Class::Element, Class::ElementTag]);
                    }
                }
            }
            op if op.effect() == Effect::Write => match Place::of(i) {
                Some(Place::Field(class, _, at)) if class != Class::Frame => {
                    fields.insert((class, at));
                }
                _ => {
                    classes.insert(i.class);
                }
            },
            _ => {}
        }
    }
    let has_steps = !clobbers.is_empty();
    w.memory.keep(|place| match *place {
        Place::Field(class, _, at) => {
            !classes.contains(&class)
                && !fields.contains(&(class, at))
                && (!has_steps || class == Class::Constant)
        }
        Place::Element(class, ..) => !classes.contains(&class) && !has_steps,
        _ => false,
    });
    w.memory.keep_slots(|slot| {
        !slots.contains(&slot)
            && clobbers
                .iter()
                .all(|&(from, to)| !(from..to).contains(&slot))
    });
    if has_steps {
        w.checked_stack = i32::MIN;
    }
}
