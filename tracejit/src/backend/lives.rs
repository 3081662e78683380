//! How long the values of a trace live, and what they would cost in memory: what the register allocator
//! goes by.
//!
//! Invariants:
//! - A value lives from its definition to its last use; values used in a loop but defined before it
//!   live until the loop's end, as do the values carried around it.
//! - A phi's value and its end value share a place only if nothing needs the former once the latter is
//!   computed.

use super::fuse::Fused;
use crate::ir::{End, Op, Ref, Trace};

/// Rounds that a loop is expected to make.
const LOOP: u32 = 40;

/// The position after the last instruction.
pub(super) fn end_of(trace: &Trace) -> u32 {
    trace.code.len() as u32
}

/// Whether the instruction calls a function, which changes the registers that calls don't preserve.
pub(crate) fn is_call(op: Op) -> bool {
    matches!(op, Op::Step | Op::CallInt | Op::CallFloat)
}

/// How long a value lives, and what it would cost in memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Life {
    /// The last position at which it is needed; 0: nobody needs it.
    pub(super) last_use: u32,
    /// For a value from before the loop: where it is last needed within a round.
    pub(super) last_in_round: u32,
    /// Uses, those in the loop counted [`LOOP`] times.
    pub(super) weight: u32,
    /// Instructions, snapshots, phis and ends that name it.
    pub(super) uses: u32,
    /// Of how many phis it is the end value.
    pub(super) ends: u32,
    /// The end value of the phi whose value this is, or the value of the phi whose end value it is,
    /// where these two share a place; else [`ALONE`].
    pub(super) partner: u32,
    /// The position of the first call behind it.
    pub(super) next_call: u32,
}

pub(super) const ALONE: u32 = u32::MAX;

impl Life {
    pub(super) const NOBODY: Life = Life {
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
    lives: &'a mut [Life],
    /// Snapshots that were seen: the last guard that leaves through one needs its values longest.
    seen: &'a mut [bool],
    before_loop: usize,
    next_call: u32,
}

/// Finds the lives of all values, going backwards, as if no load were a part of a guard. Both lists
/// are filled anew.
pub(super) fn find_lives(trace: &Trace, lives: &mut Vec<Life>, seen: &mut Vec<bool>) {
    let (length, end) = (trace.code.len(), end_of(trace));
    let loop_start = trace.loop_start();
    refill(lives, Life::NOBODY, length + 1);
    refill(seen, false, trace.snapshots.len());
    let mut search = Lives {
        trace,
        lives,
        seen,
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
}

/// Makes a list one of so many equal elements.
pub(super) fn refill<T: Copy>(list: &mut Vec<T>, element: T, count: usize) {
    list.clear();
    list.resize(count, element);
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

/// What a load that is a part of a guard reads is needed at the guard, and nobody needs the load.
pub(super) fn fuse(trace: &Trace, fused: &Fused, lives: &mut [Life]) {
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
/// value is computed. Lists these end values.
pub(super) fn coalesce(trace: &Trace, lives: &mut [Life], coalesced: &mut Vec<u32>) {
    coalesced.clear();
    let Some(loop_start) = trace.loop_start() else {
        return;
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
            coalesced.push(back as u32);
        }
    }
}
