//! Register allocation: a linear scan over the trace (Poletto and Sarkar, 1999).
//!
//! Every value gets one place for its whole life. That is simple to check ([`super::check`]), makes
//! every exit of a snapshot find its values in the same places, and lets them be described once.
//!
//! Invariants:
//! - A value lives from its definition to its last use; values used in a loop but defined before it
//!   live until the loop's end, as do the values carried around it.
//! - Two values whose lives overlap have different places, but for the end value of a phi, which
//!   may take the place of the phi's value once that is not needed any more.
//! - A value that lives across a call is in a register that calls preserve, or in a spill slot.

use super::fuse::Fused;
use super::{Location, Refusal, SPILL_SLOTS};
use crate::ir::{End, Instruction, Op, Ref, Trace, Type};

/// What the allocator may use, by register class.
#[derive(Clone, Debug)]
pub(crate) struct RegisterSet {
    /// General registers, by preference.
    pub(crate) general: &'static [u8],
    /// Those of them that calls preserve.
    pub(crate) preserved: &'static [u8],
    /// Float registers; calls preserve none.
    pub(crate) float: &'static [u8],
    /// How many of each may be used.
    pub(crate) limit: usize,
}

/// Where each instruction's result is.
#[derive(Debug)]
pub(crate) struct Allocation {
    /// By instruction; `None`: it has no result, or nobody uses it.
    pub(crate) places: Vec<Option<Location>>,
    /// Which loads are parts of guards.
    pub(crate) fused: Fused,
}

/// Rounds that a loop is expected to make.
const LOOP: u32 = 40;

/// The position after the last instruction.
fn end_of(trace: &Trace) -> u32 {
    trace.code.len() as u32
}

/// Whether the instruction calls a function, which changes the registers that calls don't preserve.
pub(crate) fn is_call(op: Op) -> bool {
    matches!(op, Op::Step | Op::CallInt | Op::CallFloat)
}

/// The last position at which each value is needed; 0 for those that nobody needs.
fn last_uses(trace: &Trace, fused: &Fused) -> Vec<u32> {
    let end = end_of(trace);
    let mut last = vec![0u32; trace.code.len()];
    let loop_start = trace.loop_start();
    let mut need = |r: Ref, at: u32| {
        let Some(n) = r.as_instruction() else { return };
        // What is needed in the loop and comes from before it is needed in every round.
        let carried = loop_start.is_some_and(|start| n < start && at > start as u32);
        let at = if carried { end } else { at };
        last[n] = last[n].max(at);
    };
    // The last guard that leaves through a snapshot needs its values longest.
    let mut seen = vec![false; trace.snapshots.len()];
    for (n, i) in trace.code.iter().enumerate().rev() {
        for r in fused.operands(trace, n) {
            need(r, n as u32);
        }
        if i.op.is_guard() && !std::mem::replace(&mut seen[i.snapshot as usize], true) {
            for r in trace.snapshots[i.snapshot as usize].values() {
                need(r, n as u32);
            }
        }
    }
    for phi in &trace.phis {
        need(phi.entry, end);
        need(phi.back, end);
    }
    if let End::Exit(snapshot) = trace.end {
        for r in trace.snapshots[snapshot as usize].values() {
            need(r, end);
        }
    }
    last
}

/// Uses, those in the loop counted [`LOOP`] times: what a value costs in memory.
fn weights(trace: &Trace, fused: &Fused) -> Vec<u32> {
    let mut weight = vec![0u32; trace.code.len()];
    let loop_start = trace.loop_start().unwrap_or(usize::MAX);
    for n in 0..trace.code.len() {
        let cost = if n > loop_start { LOOP } else { 1 };
        for r in fused.operands(trace, n) {
            if let Some(r) = r.as_instruction() {
                weight[r] += cost;
            }
        }
        weight[n] += cost;
    }
    for phi in &trace.phis {
        for r in [phi.entry, phi.back] {
            if let Some(n) = r.as_instruction() {
                weight[n] += LOOP;
            }
        }
    }
    weight
}

/// One thing to place: a value, or a phi's value together with its end value.
#[derive(Clone, Copy, Debug)]
struct Interval {
    value: u32,
    start: u32,
    end: u32,
    weight: u32,
    is_float: bool,
    crosses_call: bool,
    hint: Option<u8>,
    /// A register that is better not used.
    avoid: Option<u8>,
}

/// Places all values.
pub(crate) fn allocate(
    trace: &Trace,
    registers: &RegisterSet,
    inherited: &[Location],
) -> Result<Allocation, Refusal> {
    let fused = Fused::of(trace);
    let last_use = last_uses(trace, &fused);
    let partner = coalesced(trace, &fused, &last_use);
    let weights = weights(trace, &fused);
    let calls: Vec<u32> = (0..trace.code.len())
        .filter(|&n| is_call(trace.code[n].op))
        .map(|n| n as u32)
        .collect();
    let mut scan = Scan::new(registers, trace.code.len());
    for (n, i) in trace.code.iter().enumerate() {
        let kind = i.op.result();
        if kind == Type::None || last_use[n] == 0 || partner.of_back[n].is_some() {
            continue;
        }
        let (start, mut end) = (n as u32, last_use[n]);
        let mut weight = weights[n];
        if let Some(back) = partner.of_entry[n] {
            end = end_of(trace);
            weight += weights[back as usize];
        }
        let hint = match (i.op, inherited.get(i.imm.max(0) as usize)) {
            (Op::InheritInt, Some(&Location::General(r))) => Some(r),
            (Op::InheritFloat, Some(&Location::Float(r))) => Some(r),
            _ => scan.hint(trace, n, &last_use),
        };
        let next_call = calls.partition_point(|&c| c <= start);
        scan.place(Interval {
            value: start,
            start,
            end,
            weight,
            is_float: kind == Type::Float,
            crosses_call: calls.get(next_call).is_some_and(|&c| c < end),
            hint,
            avoid: scan.second_operand(i),
        });
    }
    let mut places = scan.finish()?;
    for (n, entry) in partner.of_back.iter().enumerate() {
        if let Some(entry) = entry {
            places[n] = places[*entry as usize];
        }
    }
    Ok(Allocation { places, fused })
}

/// Phis whose two values share a place.
struct Coalesced {
    /// By entry value: its end value.
    of_entry: Vec<Option<u32>>,
    /// By end value: the entry value.
    of_back: Vec<Option<u32>>,
}

/// The end value of a phi can take over the place when nothing needs the phi's value after the end
/// value is computed.
fn coalesced(trace: &Trace, fused: &Fused, last_use: &[u32]) -> Coalesced {
    let n = trace.code.len();
    let mut result = Coalesced {
        of_entry: vec![None; n],
        of_back: vec![None; n],
    };
    let Some(loop_start) = trace.loop_start() else {
        return result;
    };
    // The last use of phi values within a round: `last_use` says the end for all of them.
    let mut in_round = vec![0u32; loop_start];
    let mut backs = vec![0u32; n];
    for phi in &trace.phis {
        if let Some(b) = phi.back.as_instruction() {
            backs[b] += 1;
            if b < loop_start {
                in_round[b] = u32::MAX;
            }
        }
    }
    let mut seen = vec![false; trace.snapshots.len()];
    for (at, i) in trace.code.iter().enumerate().skip(loop_start).rev() {
        let mut need = |r: Ref| {
            if let Some(n) = r.as_instruction().filter(|&n| n < loop_start) {
                in_round[n] = in_round[n].max(at as u32);
            }
        };
        fused.operands(trace, at).for_each(&mut need);
        if i.op.is_guard() && !std::mem::replace(&mut seen[i.snapshot as usize], true) {
            trace.snapshots[i.snapshot as usize]
                .values()
                .for_each(&mut need);
        }
    }
    for phi in &trace.phis {
        let (Some(entry), Some(back)) = (phi.entry.as_instruction(), phi.back.as_instruction())
        else {
            continue;
        };
        let same_kind = trace.code[entry].op.result() == trace.code[back].op.result();
        if back > loop_start
            && backs[back] == 1
            && same_kind
            && in_round[entry] <= back as u32
            && last_use[entry] > 0
        {
            result.of_entry[entry] = Some(back as u32);
            result.of_back[back] = Some(entry as u32);
        }
    }
    result
}

/// The state of the scan.
struct Scan<'a> {
    registers: &'a RegisterSet,
    general: &'a [u8],
    preserved: Vec<u8>,
    float: &'a [u8],
    /// What each register holds, by class and number.
    active: [[Option<Interval>; 16]; 2],
    places: Vec<Option<Location>>,
    spilled: Vec<Interval>,
}

impl<'a> Scan<'a> {
    fn new(registers: &'a RegisterSet, values: usize) -> Scan<'a> {
        let general = &registers.general[..registers.limit.min(registers.general.len())];
        Scan {
            registers,
            general,
            preserved: general
                .iter()
                .copied()
                .filter(|r| registers.preserved.contains(r))
                .collect(),
            float: &registers.float[..registers.limit.min(registers.float.len())],
            active: [[None; 16]; 2],
            places: vec![None; values],
            spilled: Vec::new(),
        }
    }

    /// The register of the first operand, if that dies here: saves a move.
    fn hint(&self, trace: &Trace, n: usize, last_use: &[u32]) -> Option<u8> {
        let first = trace.code[n].args[0].as_instruction()?;
        if last_use[first] != n as u32 || trace.code[first].op.result() != trace.code[n].op.result()
        {
            return None;
        }
        match self.places[first]? {
            Location::General(r) | Location::Float(r) => Some(r),
            Location::Spill(_) => None,
        }
    }

    /// The register of the second operand, for instructions that would have to compute their result
    /// aside if it had to go there.
    fn second_operand(&self, i: &Instruction) -> Option<u8> {
        let computes_in_place = matches!(i.op, Op::Sub | Op::FAdd | Op::FSub | Op::FMul | Op::FDiv);
        let second = i.args[1].as_instruction().filter(|_| computes_in_place)?;
        match self.places[second]? {
            Location::General(r) | Location::Float(r) => Some(r),
            Location::Spill(_) => None,
        }
    }

    fn place(&mut self, interval: Interval) {
        let class = usize::from(interval.is_float);
        for slot in &mut self.active[class] {
            if slot.is_some_and(|held| held.end <= interval.start) {
                *slot = None;
            }
        }
        let candidates: &[u8] = match (interval.is_float, interval.crosses_call) {
            (true, true) => &[],
            (true, false) => self.float,
            (false, true) => &self.preserved,
            (false, false) => self.general,
        };
        let is_free = |r: u8| self.active[class][r as usize].is_none();
        let hinted = interval
            .hint
            .filter(|&r| candidates.contains(&r) && is_free(r));
        // What survives calls is kept for what needs it.
        let free = hinted.or_else(|| {
            let is_plain = |r: &u8| !self.registers.preserved.contains(r);
            let mut free = candidates.iter().copied().filter(|&r| is_free(r));
            let is_good = |r: &u8| is_plain(r) && Some(*r) != interval.avoid;
            let good = free.clone().find(is_good);
            good.or_else(|| free.clone().find(is_plain))
                .or_else(|| free.next())
        });
        if let Some(r) = free {
            return self.assign(interval, r);
        }
        // The cheapest of those that could make room goes to memory.
        let cheapest = candidates
            .iter()
            .copied()
            .filter_map(|r| Some((r, self.active[class][r as usize]?)))
            .min_by(|(_, a), (_, b)| cost(a).total_cmp(&cost(b)));
        match cheapest {
            Some((r, held)) if cost(&held) < cost(&interval) => {
                self.spilled.push(held);
                self.assign(interval, r);
            }
            _ => self.spilled.push(interval),
        }
    }

    fn assign(&mut self, interval: Interval, r: u8) {
        let class = usize::from(interval.is_float);
        self.active[class][r as usize] = Some(interval);
        self.places[interval.value as usize] = Some(if interval.is_float {
            Location::Float(r)
        } else {
            Location::General(r)
        });
    }

    /// Gives the spilled values their slots.
    fn finish(mut self) -> Result<Vec<Option<Location>>, Refusal> {
        self.spilled.sort_by_key(|interval| interval.start);
        let mut busy_until: Vec<u32> = Vec::new();
        for interval in &self.spilled {
            let free = busy_until.iter().position(|&end| end <= interval.start);
            let slot = free.unwrap_or_else(|| {
                busy_until.push(0);
                busy_until.len() - 1
            });
            if slot >= SPILL_SLOTS {
                return Err(Refusal::TooManyValues);
            }
            busy_until[slot] = interval.end;
            self.places[interval.value as usize] = Some(Location::Spill(slot as u16));
        }
        Ok(self.places)
    }
}

/// How much a register is worth to a value: uses for the length of its life.
fn cost(interval: &Interval) -> f64 {
    f64::from(interval.weight) / f64::from(interval.end - interval.start + 1)
}
