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

/// How long a value lives, and what it would cost in memory.
#[derive(Clone, Copy, Debug)]
struct Life {
    /// The last position at which it is needed; 0: nobody needs it.
    last_use: u32,
    /// For a value from before the loop: where it is last needed within a round.
    last_in_round: u32,
    /// Uses, those in the loop counted [`LOOP`] times.
    weight: u32,
    /// Instructions, snapshots, phis and ends that name it.
    uses: u32,
    /// Of how many phis it is the end value.
    ends: u32,
    /// The end value of the phi whose value this is, or the value of the phi whose end value it is,
    /// where these two share a place; else [`ALONE`].
    partner: u32,
    /// The position of the first call behind it.
    next_call: u32,
}

const ALONE: u32 = u32::MAX;

impl Life {
    const NOBODY: Life = Life {
        last_use: 0,
        last_in_round: 0,
        weight: 0,
        uses: 0,
        ends: 0,
        partner: ALONE,
        next_call: u32::MAX,
    };

    /// It is needed at a position; `in_every_round`: in a loop that begins after it.
    #[inline]
    fn need(&mut self, at: u32, end: u32, in_every_round: bool) {
        let (last, last_in_round) = match in_every_round {
            true => (end, at),
            false => (at, 0),
        };
        self.last_use = self.last_use.max(last);
        self.last_in_round = self.last_in_round.max(last_in_round);
    }
}

/// The search for lives at work.
struct Lives<'a> {
    trace: &'a Trace,
    /// By instruction. One more stands for all that is no instruction: no operand needs a branch.
    lives: Vec<Life>,
    /// Snapshots that were seen: the last guard that leaves through one needs its values longest.
    seen: Vec<bool>,
    before_loop: usize,
    next_call: u32,
}

/// Finds the lives of all values, going backwards, as if no load were a part of a guard.
fn lives(trace: &Trace) -> Vec<Life> {
    let (length, end) = (trace.code.len(), end_of(trace));
    let loop_start = trace.loop_start();
    let mut search = Lives {
        trace,
        lives: vec![Life::NOBODY; length + 1],
        seen: vec![false; trace.snapshots.len()],
        before_loop: loop_start.unwrap_or(0),
        next_call: u32::MAX,
    };
    for r in trace.phis.iter().flat_map(|phi| [phi.entry, phi.back]) {
        let life = search.of(r);
        life.last_use = end;
        life.weight += LOOP;
        life.uses += 1;
    }
    for phi in &trace.phis {
        search.of(phi.back).ends += 1;
    }
    if let End::Exit(snapshot) = trace.end {
        search.need_snapshot::<false>(snapshot, end);
    }
    let before = loop_start.map_or(length, |start| start + 1);
    search.go_back::<true>(before..length);
    search.go_back::<false>(0..before);
    search.lives
}

impl Lives<'_> {
    /// The life of a value. What is no value has one that means nothing.
    #[inline]
    fn of(&mut self, r: Ref) -> &mut Life {
        let nobody = self.lives.len() - 1;
        &mut self.lives[(r.0 as usize).min(nobody)]
    }

    #[inline]
    fn need<const IN_LOOP: bool>(&mut self, r: Ref, at: u32, cost: u32) {
        let (end, before_loop) = (end_of(self.trace), self.before_loop);
        let life = self.of(r);
        life.weight += cost;
        life.uses += 1;
        life.need(at, end, IN_LOOP && (r.0 as usize) < before_loop);
    }

    fn need_snapshot<const IN_LOOP: bool>(&mut self, snapshot: u32, at: u32) {
        let trace = self.trace;
        trace
            .snapshots
            .get(snapshot)
            .for_each_value(|r| self.need::<IN_LOOP>(r, at, 0));
    }

    /// Notes what instructions need, the last one first.
    fn go_back<const IN_LOOP: bool>(&mut self, range: std::ops::Range<usize>) {
        let cost = if IN_LOOP { LOOP } else { 1 };
        for n in range.rev() {
            let i = &self.trace.code[n];
            let at = n as u32;
            let life = &mut self.lives[n];
            life.next_call = self.next_call;
            life.weight += cost;
            if is_call(i.op) {
                self.next_call = at;
            }
            for r in i.args {
                self.need::<IN_LOOP>(r, at, cost);
            }
            if i.op.is_guard() && !std::mem::replace(&mut self.seen[i.snapshot as usize], true) {
                self.need_snapshot::<IN_LOOP>(i.snapshot, at);
            }
        }
    }
}

/// One thing to place: a value, or a phi's value together with its end value.
#[derive(Clone, Copy, Debug, Default)]
struct Interval {
    /// The value, which is where it starts.
    value: u32,
    end: u32,
    weight: u32,
}

/// What is good for an interval.
#[derive(Clone, Copy, Debug)]
struct Wish {
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
    let mut lives = lives(trace);
    let fused = Fused::of(trace, |n| lives[n].uses == 1);
    fuse(trace, &fused, &mut lives);
    let backs = coalesce(trace, &mut lives);
    let mut scan = Scan::new(registers, trace.code.len());
    for (n, i) in trace.code.iter().enumerate() {
        let start = n as u32;
        scan.release(n);
        let life = &lives[n];
        let is_back = life.partner < start;
        if life.last_use == 0 || is_back {
            continue;
        }
        let (mut end, mut weight) = (life.last_use, life.weight);
        if life.partner != ALONE {
            end = end_of(trace);
            weight += lives[life.partner as usize].weight;
        }
        let kind = i.op.result();
        let hint = match i.op {
            Op::InheritInt | Op::InheritFloat => hint_of_parent(i, inherited),
            _ => scan.hint(trace, n, kind, &lives),
        };
        let wish = Wish {
            is_float: kind == Type::Float,
            crosses_call: life.next_call < end,
            hint,
            avoid: scan.second_operand(i),
        };
        let interval = Interval {
            value: start,
            end,
            weight,
        };
        scan.place(interval, wish);
    }
    let mut places = scan.finish()?;
    for back in backs {
        places[back] = places[lives[back].partner as usize];
    }
    Ok(Allocation { places, fused })
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

/// What a load that is a part of a guard reads is needed at the guard, and nobody needs the load.
fn fuse(trace: &Trace, fused: &Fused, lives: &mut [Life]) {
    let (end, loop_start) = (end_of(trace), trace.loop_start());
    for &(load, guard) in fused.pairs() {
        lives[load as usize].last_use = 0;
        for n in trace.code[load as usize].args.iter() {
            if let Some(n) = n.as_instruction() {
                let in_every_round =
                    loop_start.is_some_and(|start| n < start && guard as usize > start);
                lives[n].need(guard, end, in_every_round);
            }
        }
    }
}

/// The end value of a phi can take over the place when nothing needs the phi's value after the end
/// value is computed. Answers these end values.
fn coalesce(trace: &Trace, lives: &mut [Life]) -> Vec<usize> {
    let mut coalesced = Vec::with_capacity(trace.phis.len());
    let Some(loop_start) = trace.loop_start() else {
        return coalesced;
    };
    for phi in &trace.phis {
        let (Some(entry), Some(back)) = (phi.entry.as_instruction(), phi.back.as_instruction())
        else {
            continue;
        };
        if back > loop_start
            && entry < loop_start
            && lives[entry].ends == 0
            && trace.code[entry].op.result() == trace.code[back].op.result()
            && lives[entry].last_in_round <= back as u32
            && lives[entry].last_use > 0
            && lives[back].ends == 1
        {
            lives[entry].partner = back as u32;
            lives[back].partner = entry as u32;
            coalesced.push(back);
        }
    }
    coalesced
}

/// The state of the scan.
struct Scan<'a> {
    registers: &'a RegisterSet,
    /// By class.
    classes: [Class; 2],
    places: Vec<Option<Location>>,
    spilled: Vec<Interval>,
    /// By position: the latest value with a register that is needed up to there, plus one; 0: none.
    ending: Vec<u32>,
    /// By value: the next one in the same list, likewise.
    next_ending: Vec<u32>,
}

/// The registers of a class.
#[derive(Default)]
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

impl<'a> Scan<'a> {
    fn new(registers: &'a RegisterSet, values: usize) -> Scan<'a> {
        Scan {
            registers,
            classes: Default::default(),
            places: vec![None; values],
            spilled: Vec::new(),
            ending: vec![0; values + 1],
            next_ending: vec![0; values],
        }
    }

    /// Frees the registers of values that are not needed from a position on.
    fn release(&mut self, position: usize) {
        let mut next = self.ending[position] as usize;
        while next != 0 {
            let value = next - 1;
            next = self.next_ending[value] as usize;
            let (is_float, r) = match self.places[value] {
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

    /// The register of the first operand, if that dies here: saves a move.
    fn hint(&self, trace: &Trace, n: usize, kind: Type, lives: &[Life]) -> Option<u8> {
        let first = trace.code[n].args[0].as_instruction()?;
        if lives[first].last_use != n as u32 || trace.code[first].op.result() != kind {
            return None;
        }
        self.register(first)
    }

    /// The register of the second operand, for instructions that would have to compute their result
    /// aside if it had to go there.
    fn second_operand(&self, i: &Instruction) -> Option<u8> {
        let computes_in_place = matches!(i.op, Op::Sub | Op::FAdd | Op::FSub | Op::FMul | Op::FDiv);
        let second = i.args[1].as_instruction().filter(|_| computes_in_place)?;
        self.register(second)
    }

    fn register(&self, value: usize) -> Option<u8> {
        match self.places[value]? {
            Location::General(r) | Location::Float(r) => Some(r),
            Location::Spill(_) => None,
        }
    }

    fn place(&mut self, interval: Interval, wish: Wish) {
        let candidates = match (wish.is_float, wish.crosses_call) {
            (true, true) => 0,
            (true, false) => self.registers.float,
            (false, true) => self.registers.general & self.registers.preserved,
            (false, false) => self.registers.general,
        };
        let class = &self.classes[usize::from(wish.is_float)];
        let free = candidates & !class.busy;
        let bit = |r: Option<u8>| r.map_or(0, |r| 1 << r);
        // What survives calls is kept for what needs it.
        let plain = free & !self.registers.preserved;
        let hinted = free & bit(wish.hint);
        let good = plain & !bit(wish.avoid);
        let best = match (hinted, good, plain) {
            (0, 0, 0) => free,
            (0, 0, plain) => plain,
            (0, good, _) => good,
            (hinted, ..) => hinted,
        };
        if best != 0 {
            return self.assign(interval, wish.is_float, best.trailing_zeros() as u8);
        }
        // The cheapest of those that could make room goes to memory.
        let held = numbers(candidates & class.busy).map(|r| (r, class.held[r as usize]));
        let cheapest = held.min_by(|(_, a), (_, b)| cost(a).total_cmp(&cost(b)));
        match cheapest {
            Some((r, held)) if cost(&held) < cost(&interval) => {
                self.spilled.push(held);
                self.assign(interval, wish.is_float, r);
            }
            _ => self.spilled.push(interval),
        }
    }

    fn assign(&mut self, interval: Interval, is_float: bool, r: u8) {
        let class = &mut self.classes[usize::from(is_float)];
        class.busy |= 1 << r;
        class.held[r as usize] = interval;
        let others = &mut self.ending[interval.end as usize];
        self.next_ending[interval.value as usize] = std::mem::replace(others, interval.value + 1);
        self.places[interval.value as usize] = Some(match is_float {
            true => Location::Float(r),
            false => Location::General(r),
        });
    }

    /// Gives the spilled values their slots.
    fn finish(mut self) -> Result<Vec<Option<Location>>, Refusal> {
        self.spilled.sort_by_key(|interval| interval.value);
        let mut busy_until: Vec<u32> = Vec::new();
        for interval in &self.spilled {
            let free = busy_until.iter().position(|&end| end <= interval.value);
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
    f64::from(interval.weight) / f64::from(interval.end - interval.value + 1)
}
