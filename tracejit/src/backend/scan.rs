//! The linear scan's state: which registers are busy, with what, and until when.
//!
//! Invariant: two values that are placed have different places while both are needed.

use super::allocate::{RegisterSet, Registers};
use super::lives::refill;
use super::{Location, Refusal, SPILL_SLOTS};
use crate::ir::touch;
use perilune_runtime::gc::charge;

/// One thing to place: a value, or a phi's value together with its end value.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Interval {
    /// The value, which is where it starts.
    pub(super) value: u32,
    pub(super) end: u32,
    pub(super) weight: u32,
}

/// What is good for an interval.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    pub(super) is_float: bool,
    pub(super) crosses_call: bool,
    pub(super) hint: Option<u8>,
    /// A register that is better not used.
    pub(super) avoid: Option<u8>,
}

/// The state of the scan.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// By class.
    classes: [Class; 2],
    spilled: Vec<Interval>,
    /// By spill slot: up to where it holds something.
    busy_until: Vec<u32>,
    /// By position: the latest value with a register that is needed up to there, plus one; 0: none.
    ending: Vec<u32>,
    /// By value: the next one in the same list, likewise.
    next_ending: Vec<u32>,
}

/// The registers of a class.
#[derive(Debug, Default)]
struct Class {
    /// Those that hold something.
    busy: Registers,
    /// What they hold, by number.
    held: [Interval; 16],
}

/// The numbers of registers, ascending.
fn numbers(mut registers: Registers) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        let lowest = registers.trailing_zeros() as u8;
        registers &= registers.wrapping_sub(1);
        (lowest < 16).then_some(lowest)
    })
}

impl Scan {
    /// Makes room for so many instructions.
    pub(super) fn reserve(&mut self, length: usize) {
        touch(&mut self.ending, length, || 0);
        touch(&mut self.next_ending, length, || 0);
    }

    /// Begins with a trace of so many instructions.
    pub(super) fn start(&mut self, values: usize) {
        self.classes = Default::default();
        self.spilled.clear();
        self.busy_until.clear();
        refill(&mut self.ending, 0, values + 1);
        refill(&mut self.next_ending, 0, values);
    }

    /// Frees the registers of values that are not needed from a position on.
    pub(super) fn release(&mut self, position: usize, places: &[Option<Location>]) {
        let mut next = self.ending[position] as usize;
        while next != 0 {
            let value = next - 1;
            next = self.next_ending[value] as usize;
            let (is_float, r) = match places[value] {
                Some(Location::General(r)) => (false, r),
                Some(Location::Float(r)) => (true, r),
                _ => continue,
            };
            let class = &mut self.classes[usize::from(is_float)];
            // It may have lost its register to another value.
            if class.held[r as usize].value == value as u32 {
                class.busy &= !(1 << r);
            }
        }
    }

    pub(super) fn place(
        &mut self,
        registers: &RegisterSet,
        places: &mut [Option<Location>],
        interval: Interval,
        wish: Wish,
    ) {
        let candidates = match (wish.is_float, wish.crosses_call) {
            (true, true) => 0,
            (true, false) => registers.float,
            (false, true) => registers.general & registers.preserved,
            (false, false) => registers.general,
        };
        let class = &self.classes[usize::from(wish.is_float)];
        let free = candidates & !class.busy;
        let bit = |r: Option<u8>| r.map_or(0, |r| 1 << r);
        // What survives calls is kept for what needs it.
        let plain = free & !registers.preserved;
        let hinted = free & bit(wish.hint);
        let good = plain & !bit(wish.avoid);
        let best = match (hinted, good, plain) {
            (0, 0, 0) => free,
            (0, 0, plain) => plain,
            (0, good, _) => good,
            (hinted, ..) => hinted,
        };
        if best != 0 {
            return self.assign(places, interval, wish.is_float, best.trailing_zeros() as u8);
        }
        // The cheapest of those that could make room goes to memory.
        let mut cheapest: (Option<u8>, Interval) = (None, interval);
        for r in numbers(candidates & class.busy) {
            let held = class.held[r as usize];
            if held.is_cheaper_than(&cheapest.1) {
                cheapest = (Some(r), held);
            }
        }
        let (r, loser) = cheapest;
        self.spilled.push(loser);
        if let Some(r) = r {
            self.assign(places, interval, wish.is_float, r);
        }
    }

    fn assign(
        &mut self,
        places: &mut [Option<Location>],
        interval: Interval,
        is_float: bool,
        r: u8,
    ) {
        let class = &mut self.classes[usize::from(is_float)];
        class.busy |= 1 << r;
        class.held[r as usize] = interval;
        let others = &mut self.ending[interval.end as usize];
        self.next_ending[interval.value as usize] = std::mem::replace(others, interval.value + 1);
        places[interval.value as usize] = Some(match is_float {
            true => Location::Float(r),
            false => Location::General(r),
        });
    }

    /// Gives the spilled values their slots.
    pub(super) fn finish(&mut self, places: &mut [Option<Location>]) -> Result<(), Refusal> {
        self.spilled.sort_unstable_by_key(|interval| interval.value);
        for interval in &self.spilled {
            let busy_until = &mut self.busy_until;
            let free = busy_until.iter().position(|&end| end <= interval.value);
            let slot = free.unwrap_or_else(|| {
                busy_until.push(0);
                busy_until.len() - 1
            });
            if slot >= SPILL_SLOTS {
                return Err(Refusal::TooManyValues);
            }
            busy_until[slot] = interval.end;
            places[interval.value as usize] = Some(Location::Spill(slot as u16));
        }
        Ok(())
    }

    pub(super) fn bytes(&self) -> usize {
        charge::list::<Interval>(self.spilled.capacity())
            + charge::list::<u32>(self.busy_until.capacity())
            + charge::list::<u32>(self.ending.capacity())
            + charge::list::<u32>(self.next_ending.capacity())
    }
}

impl Interval {
    /// Whether a register is worth less to it, uses for the length of its life.
    fn is_cheaper_than(&self, other: &Interval) -> bool {
        let product =
            |a: &Interval, b: &Interval| u64::from(a.weight) * u64::from(b.end - b.value + 1);
        product(self, other) < product(other, self)
    }
}
