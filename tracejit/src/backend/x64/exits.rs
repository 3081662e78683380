//! Exits: the jumps of guards, the stubs that they go to, and where exits find their values.
//!
//! There is a jump for nearly every other instruction. So they are written here byte by byte, and find
//! their stubs by the order of these, where the assembler would keep a label for each.
//!
//! Invariant: all guards with the same snapshot share its exit, since values keep their places as long
//! as they live.

use super::super::allocate::Allocation;
use super::super::{AssembledExit, Location, Refusal};
use super::emit::Emitter;
use crate::ir::{Trace, touch};
use dynasmrt::{DynasmApi, dynasm};
use perilune_runtime::gc::charge;

/// When a jump is taken, by the processor's number of the condition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(super) enum Condition {
    Below = 0x2,
    NotBelow = 0x3,
    Equal = 0x4,
    NotEqual = 0x5,
    NotAbove = 0x6,
    Above = 0x7,
    Negative = 0x8,
    Parity = 0xa,
    Less = 0xc,
    NotLess = 0xd,
    NotGreater = 0xe,
    Greater = 0xf,
}

/// The exits of a trace.
#[derive(Debug, Default)]
pub(super) struct Exits {
    /// By snapshot: its exit's place in the order, plus one; 0 for those that have none.
    places: Vec<u32>,
    /// The snapshots of the exits, in the order of their numbers.
    snapshots: Vec<u32>,
    /// Where jumps have their distances, and the places of the exits they go to.
    jumps: Vec<(u32, u32)>,
    /// Where the stubs start.
    stubs: usize,
}

/// Bytes of a stub.
const STUB_BYTES: usize = 16;

impl Exits {
    /// Forgets those of the trace before.
    pub(super) fn start(&mut self, trace: &Trace) {
        self.places.clear();
        self.places.resize(trace.snapshots.len(), 0);
        self.snapshots.clear();
        self.jumps.clear();
    }

    /// Makes room for a trace of so many instructions.
    pub(super) fn reserve(&mut self, length: usize) {
        touch(&mut self.places, length / 8, || 0);
        touch(&mut self.snapshots, length / 8, || 0);
        touch(&mut self.jumps, length / 2, || (0, 0));
    }

    /// Bytes that its lists take.
    pub(super) fn bytes(&self) -> usize {
        charge::list::<u32>(self.places.capacity())
            + charge::list::<u32>(self.snapshots.capacity())
            + charge::list::<(u32, u32)>(self.jumps.capacity())
    }

    /// The place of a snapshot's exit, which it gets if it has none yet.
    fn place(&mut self, snapshot: u32) -> u32 {
        let place = &mut self.places[snapshot as usize];
        if *place == 0 {
            self.snapshots.push(snapshot);
            *place = self.snapshots.len() as u32;
        }
        *place - 1
    }

    /// Lets the jumps go to their stubs.
    pub(super) fn link(&self, code: &mut [u8]) {
        for &(at, place) in &self.jumps {
            let at = at as usize;
            let distance = self.stub(place as usize) - (at + 4);
            code[at..at + 4].copy_from_slice(&(distance as u32).to_le_bytes());
        }
    }

    fn stub(&self, place: usize) -> usize {
        self.stubs + place * STUB_BYTES
    }

    /// What is to be known of each exit when the code begins at an address, and where their values are.
    pub(super) fn assembled(
        &self,
        trace: &Trace,
        allocation: &Allocation,
        address: usize,
    ) -> Result<(Vec<AssembledExit>, Vec<Location>), Refusal> {
        let mut exits = Vec::with_capacity(self.snapshots.len());
        let mut values: Vec<Location> = Vec::with_capacity(8 * self.snapshots.len());
        let mut are_placed = true;
        for (place, &snapshot) in self.snapshots.iter().enumerate() {
            let first = values.len() as u32;
            trace.snapshots.get(snapshot).for_each_value(|r| {
                let location = r.as_instruction().and_then(|n| allocation.places[n]);
                are_placed &= location.is_some();
                values.extend(location);
            });
            exits.push(AssembledExit {
                snapshot,
                values: first..values.len() as u32,
                stub: address + self.stub(place),
            });
        }
        match are_placed {
            true => Ok((exits, values)),
            false => Err(Refusal::Malformed),
        }
    }
}

impl Emitter<'_> {
    /// Leaves through a snapshot when a condition holds.
    pub(super) fn leave_if(&mut self, condition: Condition, snapshot: u32) {
        self.ops.extend(&[0x0f, 0x80 | condition as u8]);
        self.distance_to_exit(snapshot);
    }

    /// Leaves through a snapshot.
    pub(super) fn leave(&mut self, snapshot: u32) {
        self.ops.push(0xe9);
        self.distance_to_exit(snapshot);
    }

    fn distance_to_exit(&mut self, snapshot: u32) {
        let at = self.ops.offset().0 as u32;
        let place = self.exits.place(snapshot);
        self.exits.jumps.push((at, place));
        self.ops.push_u32(0);
    }

    /// Writes the exits' stubs.
    pub(super) fn stubs(&mut self, first_exit: u32) {
        self.exits.stubs = self.ops.offset().0;
        for n in 0..self.exits.snapshots.len() {
            let number = (first_exit + n as u32) as i32;
            dynasm!(self.ops ; mov QWORD [rbp - super::trampoline::STATE], number);
            let end = self.exits.stub(n + 1);
            let distance = self.common.exit.wrapping_sub(self.address + end);
            self.ops.push(0xe9);
            self.ops.push_u32(distance as u32);
            debug_assert_eq!(self.ops.offset().0, end);
        }
    }
}
