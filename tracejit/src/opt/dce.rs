//! Drops instructions whose results nobody uses, and phis that only feed themselves.

use super::rebuild::{Edit, rebuild};
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

/// Makes the changes of an edit, and drops what is not needed then.
pub(super) fn eliminate(trace: &mut Trace, edit: &Edit) {
    let states = states(trace, edit);
    rebuild(trace, edit, |n| states[n] == State::Done);
}

/// What is known of an instruction.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Unneeded,
    /// Needed, but what it needs is not marked yet.
    Needed,
    Done,
    /// The edit drops it.
    Dropped,
}

/// The search at work.
struct Search<'a> {
    trace: &'a Trace,
    edit: &'a Edit,
    /// By instruction; those that the edit inserts come last.
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

    /// Marks what the needed ones of the first `end` instructions need, and of those inserted among
    /// them.
    fn sweep(&mut self, end: usize) {
        let (trace, edit) = (self.trace, self.edit);
        let at = edit.at.min(end);
        self.take(&trace.code[at..end], at);
        if edit.at < end {
            self.take(&edit.inserted, trace.code.len());
        }
        self.take(&trace.code[..at], 0);
    }

    /// Marks what those of some instructions need that are needed; `first` is the index of the first.
    fn take(&mut self, code: &[Instruction], first: usize) {
        for (n, i) in (first..first + code.len()).zip(code).rev() {
            match self.states[n] {
                State::Done | State::Dropped => continue,
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

/// Finds out what is needed: that is done in the end.
fn states(trace: &Trace, edit: &Edit) -> Vec<State> {
    let mut search = Search {
        trace,
        edit,
        states: vec![State::Unneeded; trace.code.len() + edit.inserted.len()],
        seen: vec![false; trace.snapshots.len()],
    };
    for &n in &edit.dropped {
        search.states[n] = State::Dropped;
    }
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
    search.states
}
