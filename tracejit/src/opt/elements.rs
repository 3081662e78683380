//! Elements of arrays that the next round of a loop needs: what a round loaded or stored at one index
//! and the next one loads at the same index, one step away from its own (`row[j - 1]` after
//! `row[j] = x`), goes round the loop in a register and is not loaded.
//!
//! An index counts as the value of a slot at the loop's head and a constant. What is at a distance
//! `k` from the slot's value at the *end* of a round is at the distance `k` at the next one's head.
//!
//! Invariant: what is carried is known at the end of every round, or the second copy is written again
//! without it; that stores between may be to the same element is the memory's business, as ever.

use super::memory::{Place, base_and_distance};
use super::rewrite::Rewriter;
use crate::ir::{Class, Instruction, Op, Phi, Ref};

/// Elements, and as many tags, in registers at most.
const MOST_CARRIED: usize = 6;

/// A slot that holds an integer which a round changes: its value at the end of the first copy, and
/// its name at the head of the loop.
#[derive(Clone, Copy)]
pub(super) struct Index {
    pub(super) slot: i32,
    pub(super) before: Ref,
    pub(super) entry: Ref,
}

/// An element that is known at the loop's head.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Element {
    class: Class,
    /// The array, and the offset from the element's address.
    array: Ref,
    at: i32,
    /// Whose value the index is counted from, and how far it is away.
    slot: i32,
    distance: i64,
    /// What the element holds at the end of the first copy.
    before: Ref,
}

/// Which elements the second copy would load that the end of the first one knows.
pub(super) fn plan(w: &Rewriter, indices: &[Index]) -> Vec<Element> {
    let mut elements = Vec::new();
    let classes = [Class::Element, Class::ElementTag];
    if classes
        .iter()
        .all(|&class| w.memory.places(class).is_empty())
    {
        return elements;
    }
    let ends: Vec<(Ref, i64)> = indices
        .iter()
        .map(|known| base_and_distance(&w.new, known.before))
        .collect();
    let loaded = loaded(w);
    for class in classes {
        for &(place, before) in w.memory.places(class) {
            let Place::Element(class, array, index, at) = place else {
                continue;
            };
            let (base, from_base) = base_and_distance(&w.new, index);
            for (known, &(end, of_end)) in indices.iter().zip(&ends) {
                let element = Element {
                    class,
                    array,
                    at,
                    slot: known.slot,
                    distance: from_base.wrapping_sub(of_end),
                    before,
                };
                if end == base
                    && before.as_virtual().is_none()
                    && elements.len() < 2 * MOST_CARRIED
                    && loaded.iter().any(|load| load.is_of(&element))
                    && !elements.contains(&element)
                {
                    elements.push(element);
                }
            }
        }
    }
    elements
}

/// What the first copy loads from an element whose index is counted from a slot, as [`Element`] has it.
struct Loaded {
    class: Class,
    array: Ref,
    at: i32,
    slot: i32,
    distance: i64,
}

impl Loaded {
    /// Whether the second copy would load the element.
    fn is_of(&self, element: &Element) -> bool {
        self.array == element.array
            && self.distance == element.distance
            && self.class == element.class
            && self.slot == element.slot
            && self.at == element.at
    }
}

/// All that the first copy loads so.
fn loaded(w: &Rewriter) -> Vec<Loaded> {
    let load = |i: &Instruction| {
        let (Op::Load8At | Op::Load64At | Op::LoadFloatAt) = i.op else {
            return None;
        };
        let Place::Element(class, array, index, at) = Place::of(i)? else {
            return None;
        };
        let (base, distance) = base_and_distance(&w.new, index);
        let of_slot = &w.new.code[base.as_instruction()?];
        (of_slot.op == Op::SlotInt).then_some(Loaded {
            class,
            array,
            at,
            slot: of_slot.imm,
            distance,
        })
    };
    w.new.code.iter().filter_map(load).collect()
}

/// Writes the elements' names at the loop's head.
pub(super) fn enter(w: &mut Rewriter, elements: &[Element]) -> Vec<Ref> {
    let name = |e: &Element| match w.known(e.before) {
        constant if constant.is_constant() => constant,
        before => w.fresh(before),
    };
    elements.iter().map(name).collect()
}

/// Tells the sweep what the elements hold at the head.
pub(super) fn tell(w: &mut Rewriter, indices: &[Index], elements: &[Element], names: &[Ref]) {
    for (e, &name) in elements.iter().zip(names) {
        let Some(known) = indices.iter().find(|known| known.slot == e.slot) else {
            continue;
        };
        let distance = w.new.int(e.distance);
        let index = w.pure(Instruction::new(Op::Add, 0, &[known.entry, distance]));
        let place = Place::Element(e.class, e.array, index, e.at);
        w.memory.set(place, name);
    }
}

/// The phis of the elements, at the end of the second copy, where `ends` are the values of the slots.
/// Otherwise those of them that are known there.
pub(super) fn close(
    w: &Rewriter,
    elements: &[Element],
    names: &[Ref],
    ends: &[(i32, Ref)],
) -> Result<Vec<Phi>, Vec<Element>> {
    let mut phis = Vec::new();
    let mut good = Vec::new();
    for (e, &entry) in elements.iter().zip(names) {
        let Some(back) = at_end(w, e, ends) else {
            continue;
        };
        if entry.is_constant() {
            if back == entry {
                good.push(*e);
            }
        } else if w.new.type_of(back) == w.new.type_of(entry) {
            good.push(*e);
            if back != entry {
                phis.push(Phi { entry, back });
            }
        }
    }
    if good.len() == elements.len() {
        Ok(phis)
    } else {
        Err(good)
    }
}

/// What an element is known to hold at the end of the second copy.
fn at_end(w: &Rewriter, e: &Element, ends: &[(i32, Ref)]) -> Option<Ref> {
    let &(_, end) = ends.iter().find(|(slot, _)| *slot == e.slot)?;
    let (base, of_end) = base_and_distance(&w.new, end);
    let wanted = (base, of_end.wrapping_add(e.distance));
    let mut places = w.memory.places(e.class).iter();
    let (_, r) = places.find(|(place, _)| match *place {
        Place::Element(_, array, index, at) => {
            (array, at) == (e.array, e.at) && base_and_distance(&w.new, index) == wanted
        }
        _ => false,
    })?;
    let r = w.known(*r);
    r.as_virtual().is_none().then_some(r)
}
