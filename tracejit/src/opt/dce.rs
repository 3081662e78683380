//! Drops instructions whose results nobody uses, and phis that only feed themselves.

use super::rebuild::rebuild;
use crate::ir::{Effect, End, Instruction, Op, Ref, Trace, Type};

/// Whether an instruction is there for more than its result.
fn has_effect(i: &Instruction) -> bool {
    match i.op {
        Op::CallInt | Op::CallFloat => i.helper().is_none_or(|h| h.effect().is_write()),
        op => {
            !matches!(op.effect(), Effect::Pure | Effect::Read | Effect::Entry)
                || op.result() == Type::None
        }
    }
}

/// Drops what is not needed.
pub(super) fn eliminate(trace: &mut Trace) {
    let needed = needed(trace);
    rebuild(trace, &needed, 0, &[]);
}

/// What is known of an instruction.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Unneeded,
    /// Needed, but what it needs is not marked yet.
    Needed,
    Done,
}

/// The search at work.
struct Search<'a> {
    trace: &'a Trace,
    states: Vec<State>,
    /// Snapshots that were looked at. What one names is there before the first guard that leaves
    /// through it.
    seen: Vec<bool>,
}

impl Search<'_> {
    fn need(&mut self, r: Ref) {
        if let Some(n) = r.as_instruction()
            && self.states[n] == State::Unneeded
        {
            self.states[n] = State::Needed;
        }
    }

    fn need_snapshot(&mut self, snapshot: u32) {
        let trace = self.trace;
        trace
            .snapshots
            .get(snapshot)
            .for_each_value(|r| self.need(r));
    }

    /// Marks what the needed ones of the first `end` instructions need.
    fn sweep(&mut self, end: usize) {
        for n in (0..end).rev() {
            let i = &self.trace.code[n];
            match self.states[n] {
                State::Done => continue,
                State::Unneeded if !has_effect(i) => continue,
                _ => self.states[n] = State::Done,
            }
            i.args.iter().for_each(|&r| self.need(r));
            if i.op.is_guard() && !std::mem::replace(&mut self.seen[i.snapshot as usize], true) {
                self.need_snapshot(i.snapshot);
            }
        }
    }
}

fn needed(trace: &Trace) -> Vec<bool> {
    let mut search = Search {
        trace,
        states: vec![State::Unneeded; trace.code.len()],
        seen: vec![false; trace.snapshots.len()],
    };
    if let End::Exit(snapshot) = trace.end {
        search.need_snapshot(snapshot);
    }
    let mut carried = vec![false; trace.phis.len()];
    let mut end = trace.code.len();
    while end > 0 {
        search.sweep(end);
        end = 0;
        for (phi, carried) in trace.phis.iter().zip(&mut carried) {
            let entry = phi.entry.as_instruction();
            let is_needed = entry.is_some_and(|n| search.states[n] != State::Unneeded);
            if is_needed && !*carried {
                *carried = true;
                search.need(phi.back);
                end = end.max(phi.back.as_instruction().map_or(0, |n| n + 1));
            }
        }
    }
    let states = search.states.into_iter();
    states.map(|state| state != State::Unneeded).collect()
}
