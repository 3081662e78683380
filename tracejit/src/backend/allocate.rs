//! Register allocation: a linear scan over the trace (Poletto and Sarkar, 1999).
//!
//! Every value gets one place for its whole life. That is simple to check ([`super::check`]), makes
//! every exit of a snapshot find its values in the same places, and lets them be described once.
//!
//! [`super::lives`] says how long that is, [`super::scan`] which registers are busy.
//!
//! Invariants:
//! - Two values whose lives overlap have different places, but for the end value of a phi, which
//!   may take the place of the phi's value once that is not needed any more.
//! - A value that lives across a call is in a register that calls preserve, or in a spill slot.

use super::fuse::Fused;
use super::lives::{ALONE, Life, coalesce, end_of, find_lives, fuse, refill};
use super::scan::{Interval, Scan, Wish};
use super::{Location, Refusal};
use crate::ir::{Instruction, Op, Trace, Type, USUAL_LENGTH, touch};
use perilune_runtime::gc::charge;

/// Registers of one class, one bit each by number; low numbers are preferred.
pub(crate) type Registers = u16;

/// What the allocator may use, by register class.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RegisterSet {
    /// General registers.
    pub(crate) general: Registers,
    /// Those of them that calls preserve: used last.
    pub(crate) preserved: Registers,
    /// Float registers; calls preserve none.
    pub(crate) float: Registers,
}

impl RegisterSet {
    /// The set with so many registers of each class at most.
    pub(crate) fn limited(self, limit: usize) -> RegisterSet {
        let lowest = |registers: Registers| {
            let mut rest = registers;
            for _ in 0..limit.min(16) {
                rest &= rest.wrapping_sub(1);
            }
            registers & !rest
        };
        RegisterSet {
            general: lowest(self.general),
            float: lowest(self.float),
            ..self
        }
    }
}

/// Where each instruction's result is.
#[derive(Debug, Default)]
pub(crate) struct Allocation {
    /// By instruction; `None`: it has no result, or nobody uses it.
    pub(crate) places: Vec<Option<Location>>,
    /// Which loads are parts of guards.
    pub(crate) fused: Fused,
}

/// Places values, in memory that the next trace's can use again.
#[derive(Debug, Default)]
pub(crate) struct Allocator {
    allocation: Allocation,
    lives: Vec<Life>,
    seen: Vec<bool>,
    /// End values of phis that take over a place.
    backs: Vec<u32>,
    scan: Scan,
}

impl Allocator {
    /// One with memory for usual traces.
    pub(crate) fn usual() -> Allocator {
        let length = 2 * USUAL_LENGTH;
        let mut allocator = Allocator::default();
        touch(&mut allocator.lives, length, || Life::NOBODY);
        touch(&mut allocator.seen, USUAL_LENGTH / 4, || false);
        touch(&mut allocator.allocation.places, length, || None);
        allocator.scan.reserve(length);
        allocator.allocation.fused.reserve(length);
        allocator
    }

    /// Places all values of a trace.
    ///
    /// # Errors
    /// [`Refusal::TooManyValues`].
    pub(crate) fn allocate(
        &mut self,
        trace: &Trace,
        registers: &RegisterSet,
        inherited: &[Location],
    ) -> Result<&Allocation, Refusal> {
        let Allocator {
            allocation: Allocation { places, fused },
            lives,
            seen,
            backs,
            scan,
        } = self;
        find_lives(trace, lives, seen);
        fused.find(trace, |n| lives[n].uses == 1);
        fuse(trace, fused, lives);
        coalesce(trace, lives, backs);
        refill(places, None, trace.code.len());
        scan.start(trace.code.len());
        for (n, i) in trace.code.iter().enumerate() {
            scan.release(n, places);
            if let Some(interval) = interval_at(trace, lives, n) {
                let wish = wish_at(trace, lives, places, inherited, (n, i), interval.end);
                scan.place(registers, places, interval, wish);
            }
        }
        scan.finish(places)?;
        for &back in &*backs {
            places[back as usize] = places[lives[back as usize].partner as usize];
        }
        Ok(&self.allocation)
    }

    /// Gives back the memory of lists that a long trace has made long.
    pub(crate) fn trim(&mut self, most: usize) {
        if self.lives.capacity() > most {
            *self = Allocator::default();
        }
    }

    /// Bytes that its lists take.
    pub(crate) fn bytes(&self) -> usize {
        charge::list::<Life>(self.lives.capacity())
            + charge::list::<bool>(self.seen.capacity())
            + charge::list::<u32>(self.backs.capacity())
            + charge::list::<Option<Location>>(self.allocation.places.capacity())
            + self.allocation.fused.bytes()
            + self.scan.bytes()
    }
}

/// What is to be placed where an instruction stands.
#[inline]
fn interval_at(trace: &Trace, lives: &[Life], n: usize) -> Option<Interval> {
    let (start, life) = (n as u32, &lives[n]);
    let is_back = life.partner < start;
    if life.last_use == 0 || is_back {
        return None;
    }
    let (mut end, mut weight) = (life.last_use, life.weight);
    if life.partner != ALONE {
        end = end_of(trace);
        weight += lives[life.partner as usize].weight;
    }
    Some(Interval {
        value: start,
        end,
        weight,
    })
}

/// What is good for the result of an instruction that is needed up to a position.
#[inline]
fn wish_at(
    trace: &Trace,
    lives: &[Life],
    places: &[Option<Location>],
    inherited: &[Location],
    (n, i): (usize, &Instruction),
    end: u32,
) -> Wish {
    let kind = i.op.result();
    Wish {
        is_float: kind == Type::Float,
        crosses_call: lives[n].next_call < end,
        hint: match i.op {
            Op::InheritInt | Op::InheritFloat => hint_of_parent(i, inherited),
            _ => dying_operand(trace, lives, places, (n, i), kind),
        },
        avoid: second_operand(places, i),
    }
}

/// The register of the first operand, if that dies here: saves a move.
fn dying_operand(
    trace: &Trace,
    lives: &[Life],
    places: &[Option<Location>],
    (n, i): (usize, &Instruction),
    kind: Type,
) -> Option<u8> {
    let first = i.args[0].as_instruction()?;
    if lives[first].last_use != n as u32 || trace.code[first].op.result() != kind {
        return None;
    }
    register(places[first])
}

/// The register of the second operand, for instructions that would have to compute their result
/// aside if it had to go there.
fn second_operand(places: &[Option<Location>], i: &Instruction) -> Option<u8> {
    let computes_in_place = matches!(i.op, Op::Sub | Op::FAdd | Op::FSub | Op::FMul | Op::FDiv);
    let second = i.args[1].as_instruction().filter(|_| computes_in_place)?;
    register(places[second])
}

fn register(place: Option<Location>) -> Option<u8> {
    match place? {
        Location::General(r) | Location::Float(r) => Some(r),
        Location::Spill(_) => None,
    }
}

/// The register that a value of the parent trace is in, if it is in one.
fn hint_of_parent(i: &Instruction, inherited: &[Location]) -> Option<u8> {
    match (i.op, inherited.get(i.imm.max(0) as usize)?) {
        (Op::InheritInt, &Location::General(r)) | (Op::InheritFloat, &Location::Float(r)) => {
            Some(r)
        }
        _ => None,
    }
}
