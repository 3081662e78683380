//! What a loop leaves alone though it writes to places like it: values of cells and fields, of tables and
//! of Rust values, that are known at the loop's head in every round.
//!
//! The first copy of the round says which places it wrote. A place that it did not write keeps its
//! value if none of the objects that it did write is the same object. Of objects that do not change
//! with the loop a guard before the loop makes sure of that; the second copy then loads the place no
//! more, and whatever hangs on it stays out of the loop, too. What a place holds that every round
//! writes is known as well, if nothing else may have been written there since: it is carried around
//! the loop in a register, and only stored.
//!
//! Invariants:
//! - What is assumed is checked while the second copy is written ([`Plan::is_broken_by`]): a store that
//!   may change an assumed place makes it be written again without assumptions. So does a carried
//!   place whose value is not known at the end of the second copy.
//! - Only cells, record slots and fields of Rust values are assumed to be left alone, and only in loops
//!   without steps: a helper writes only slots that the table did not have before.

use super::memory::{Memory, Place, are_disjoint};
use super::rewrite::Rewriter;
use crate::ir::{Class, Effect, Instruction, NewSnapshot, Op, Ref};

/// Guards before a loop at most.
const MOST_BETS: usize = 8;
/// Values of places in registers at most.
const MOST_CARRIED: usize = 4;

/// What is assumed of a loop.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    /// Places that it leaves alone, with what they hold.
    places: Vec<(Place, Ref)>,
    /// Objects that must differ for that.
    bets: Vec<(Ref, Ref)>,
    /// Places that it writes in every round, with what they hold before it: the value goes round in a
    /// register, too.
    carried: Vec<(Place, Ref)>,
}

impl Plan {
    /// Writes the first values of what is carried: its places and values.
    pub(super) fn enter(&self, w: &mut Rewriter) -> Vec<(Place, Ref)> {
        let carried = self.carried.iter();
        carried
            .map(|&(place, before)| (place, w.fresh(before)))
            .collect()
    }

    /// Whether a place is assumed to be left alone.
    pub(super) fn keeps(&self, place: &Place) -> bool {
        self.places.iter().any(|(known, _)| known == place)
    }

    /// Whether a store to a place breaks what is assumed.
    pub(super) fn is_broken_by(&self, w: &Rewriter, store: &Place) -> bool {
        self.places.iter().any(|(place, _)| {
            place.class() == store.class() && !are_disjoint(&w.new, &w.facts, place, store)
        })
    }

    /// Tells the sweep what the places hold at the head.
    pub(super) fn tell(&self, memory: &mut Memory) {
        for &(place, r) in &self.places {
            memory.set(place, r);
        }
    }

    /// Guards that the objects differ. `head` is the state at the loop's head.
    pub(super) fn guard(&self, w: &mut Rewriter, head: NewSnapshot) {
        if self.bets.is_empty() {
            return;
        }
        let snapshot = w.new.snapshots.add(NewSnapshot {
            is_speculative: true,
            ..head
        });
        for &(x, y) in &self.bets {
            let guard = Instruction {
                snapshot,
                ..Instruction::new(Op::GuardNe, 0, &[x, y])
            };
            w.new.push(guard);
            w.facts.learn(&w.new, &guard);
        }
    }
}

/// What may be assumed of the loop whose first copy has just been written. `is_kept` says which
/// places hold their values whatever the objects are, `changes` which slots change.
pub(super) fn plan(
    w: &Rewriter,
    is_kept: &dyn Fn(&Place) -> bool,
    changes: &dyn Fn(i32) -> bool,
) -> Plan {
    let code = &w.new.code;
    if code.iter().any(|i| i.op == Op::Step) {
        return Plan::default();
    }
    let is_write = |i: &&Instruction| i.op.effect() == Effect::Write;
    let stores: Vec<Place> = code.iter().filter(is_write).filter_map(Place::of).collect();
    let loads = loads(w);
    let mut plan = Plan::default();
    if loads.is_empty() && !stores.iter().any(|place| may_stay(place.class())) {
        return plan;
    }
    let mut invariant = invariants(w, is_kept, changes, &plan);
    // What is assumed makes more addresses independent of the loop.
    for _ in 0..3 {
        let before = plan.places.len();
        let is_invariant = |r: Ref| r.as_instruction().is_none_or(|n| invariant[n]);
        for &(place, r) in &loads {
            let Place::Field(_, x, _) = place else {
                continue;
            };
            if !is_invariant(x) || is_kept(&place) || plan.keeps(&place) {
                continue;
            }
            if let Some(bets) = bets(w, &place, &stores, &is_invariant, &plan) {
                plan.places.push((place, r));
                plan.bets.extend(bets);
            }
        }
        if plan.places.len() == before {
            break;
        }
        invariant = invariants(w, is_kept, changes, &plan);
    }
    for place in &stores {
        let &Place::Field(class, x, _) = place else {
            continue;
        };
        if !may_stay(class) {
            continue;
        }
        let is_new = plan.carried.iter().all(|(known, _)| known != place);
        if is_new
            && plan.carried.len() < MOST_CARRIED
            && x.as_instruction().is_none_or(|n| invariant[n])
            && let Some(r) = w.memory.get(place)
        {
            plan.carried.push((*place, r));
        }
    }
    plan
}

/// Whether places of a class are such that a loop may be assumed to leave alone.
fn may_stay(class: Class) -> bool {
    matches!(class, Class::Cell | Class::Record | Class::RustField)
}

/// What the first copy loaded from such places. It may have stored to such places after
/// that, but then the bet is that those were others.
fn loads(w: &Rewriter) -> Vec<(Place, Ref)> {
    let is_load = |i: &Instruction| i.op.effect() == Effect::Read && may_stay(i.class);
    let code = w.new.code.iter().enumerate();
    code.filter(|(_, i)| is_load(i))
        .filter_map(|(n, i)| Some((Place::of(i)?, Ref::instruction(n))))
        .collect()
}

/// The objects that must differ for the stores to leave a place alone; `None` if that is not to be
/// had.
fn bets(
    w: &Rewriter,
    place: &Place,
    stores: &[Place],
    is_invariant: &dyn Fn(Ref) -> bool,
    plan: &Plan,
) -> Option<Vec<(Ref, Ref)>> {
    let mut bets = Vec::new();
    for store in stores {
        if store.class() != place.class() || are_disjoint(&w.new, &w.facts, place, store) {
            continue;
        }
        let (&Place::Field(_, x, at), &Place::Field(_, y, other)) = (place, store) else {
            return None;
        };
        if x == y || at != other || !is_invariant(y) {
            return None;
        }
        let bet = (x.min(y), x.max(y));
        if !plan.bets.contains(&bet) && !bets.contains(&bet) {
            bets.push(bet);
        }
    }
    (plan.bets.len() + bets.len() <= MOST_BETS).then_some(bets)
}

/// Which values of the first copy are the same in every round.
fn invariants(
    w: &Rewriter,
    is_kept: &dyn Fn(&Place) -> bool,
    changes: &dyn Fn(i32) -> bool,
    plan: &Plan,
) -> Vec<bool> {
    let mut invariant: Vec<bool> = Vec::with_capacity(w.new.code.len());
    for i in &w.new.code {
        let of_invariants = i
            .operands()
            .all(|r| r.as_instruction().is_none_or(|n| invariant[n]));
        let itself = match i.op {
            Op::SlotTag | Op::SlotInt | Op::SlotFloat => !changes(i.imm),
            op => match op.effect() {
                Effect::Pure => true,
                Effect::Read => {
                    Place::of(i).is_some_and(|place| is_kept(&place) || plan.keeps(&place))
                }
                _ => false,
            },
        };
        invariant.push(itself && of_invariants);
    }
    invariant
}
