//! Checks a register allocation by running it symbolically: every place holds the name of the value
//! that was put there last, and every use must find its own.

use super::Location;
use super::allocate::{Allocation, RegisterSet};
use super::lives::is_call;
use crate::ir::{End, Op, Ref, Trace};
use rustc_hash::FxHashMap;

/// What a place was found to hold in place of a value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mismatch {
    /// The instruction at which it was needed.
    pub(crate) at: usize,
    /// The value that was needed.
    pub(crate) value: usize,
}

/// Runs the allocation once up to the end, and the loop a second time.
pub(crate) fn check(
    trace: &Trace,
    allocation: &Allocation,
    registers: &RegisterSet,
) -> Result<(), Mismatch> {
    let mut places: FxHashMap<Location, usize> = FxHashMap::default();
    let loop_start = trace.loop_start();
    let rounds = if loop_start.is_some() { 2 } else { 1 };
    for round in 0..rounds {
        let first = if round == 0 {
            0
        } else {
            loop_start.unwrap_or(0)
        };
        for n in first..trace.code.len() {
            step(trace, allocation, registers, &mut places, n)?;
        }
        let at = trace.code.len();
        if let End::Exit(snapshot) = trace.end {
            for r in trace.snapshots.get(snapshot).values() {
                holds(allocation, &places, r, at)?;
            }
        }
        for phi in &trace.phis {
            holds(allocation, &places, phi.back, at)?;
        }
        for phi in &trace.phis {
            if let Some(n) = phi.entry.as_instruction()
                && let Some(place) = allocation.places[n]
            {
                places.insert(place, n);
            }
        }
    }
    Ok(())
}

fn holds(
    allocation: &Allocation,
    places: &FxHashMap<Location, usize>,
    r: Ref,
    at: usize,
) -> Result<(), Mismatch> {
    let Some(value) = r.as_instruction() else {
        return Ok(());
    };
    let found = allocation.places[value].and_then(|place| places.get(&place));
    if found == Some(&value) {
        Ok(())
    } else {
        Err(Mismatch { at, value })
    }
}

fn step(
    trace: &Trace,
    allocation: &Allocation,
    registers: &RegisterSet,
    places: &mut FxHashMap<Location, usize>,
    n: usize,
) -> Result<(), Mismatch> {
    let i = &trace.code[n];
    let mut outcome = Ok(());
    allocation.fused.for_each_operand(trace, n, |r| {
        if outcome.is_ok() {
            outcome = holds(allocation, places, r, n);
        }
    });
    outcome?;
    if i.op.is_guard() {
        for r in trace.snapshots.get(i.snapshot).values() {
            holds(allocation, places, r, n)?;
        }
    }
    if is_call(i.op) {
        places.retain(|place, _| match place {
            Location::General(r) => registers.preserved >> r & 1 != 0,
            Location::Float(_) => false,
            Location::Spill(_) => true,
        });
    }
    // Inherited values are all there from the start: none may have been overwritten by another.
    let is_entry = matches!(i.op, Op::InheritInt | Op::InheritFloat);
    if let Some(place) = allocation.places[n] {
        let before = places.insert(place, n);
        if is_entry && before.is_some() {
            return Err(Mismatch { at: n, value: n });
        }
    }
    Ok(())
}
