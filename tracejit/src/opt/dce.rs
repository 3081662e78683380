//! Drops instructions whose results nobody uses, and phis that only feed themselves.

use super::rebuild::{Edit, rebuild};
use crate::ir::{Effect, End, Instruction, Op, Ref, Trace, Type, USUAL_LENGTH, touch};
use perilune_runtime::gc::charge;

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

/// Memory that it needs.
#[derive(Debug, Default)]
pub(super) struct Lists {
    states: Vec<State>,
    seen: Vec<bool>,
    places: Vec<Ref>,
}

impl Lists {
    /// Lists with memory for a usual trace.
    pub(super) fn usual() -> Lists {
        let mut lists = Lists::default();
        touch(&mut lists.states, 2 * USUAL_LENGTH, || State::Unneeded);
        touch(&mut lists.seen, USUAL_LENGTH / 4, || false);
        touch(&mut lists.places, 2 * USUAL_LENGTH, || Ref::NONE);
        lists
    }

    /// Gives back the memory of a long trace.
    pub(super) fn trim(&mut self, most: usize) {
        if self.places.capacity() > most {
            *self = Lists::default();
        }
    }

    /// Bytes that they take.
    pub(super) fn bytes(&self) -> usize {
        charge::list::<State>(self.states.capacity())
            + charge::list::<bool>(self.seen.capacity())
            + charge::list::<Ref>(self.places.capacity())
    }
}

/// Makes the changes of an edit, and drops what is not needed then.
pub(super) fn eliminate(trace: &mut Trace, edit: &Edit, lists: &mut Lists) {
    find_states(trace, edit, lists);
    let Lists { states, places, .. } = lists;
    rebuild(trace, edit, |n| states[n] == State::Done, places);
}

/// What is known of an instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
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
    states: &'a mut [State],
    /// Snapshots that were looked at. What one names is there before the first guard that leaves
    /// through it.
    seen: &'a mut [bool],
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

    /// Marks what the needed ones of the instructions from `start` up to `end` need, and of those
    /// inserted among them.
    fn sweep(&mut self, start: usize, end: usize) {
        if start >= end {
            return;
        }
        let (trace, edit) = (self.trace, self.edit);
        let at = edit.at.clamp(start, end);
        self.take(&trace.code[at..end], at);
        if (start..end).contains(&edit.at) {
            self.take(&edit.inserted, trace.code.len());
        }
        self.take(&trace.code[start..at], start);
    }

    /// Needs the end values of phis whose values were found to be needed since the last time. Answers
    /// up to where instructions are to be looked at for that; 0: there is no such phi.
    fn carry(&mut self, carried: &mut [bool]) -> usize {
        let trace = self.trace;
        let mut end = 0;
        for (phi, carried) in trace.phis.iter().zip(carried) {
            let entry = phi.entry.as_instruction();
            let is_needed = entry.is_some_and(|n| self.states[n] != State::Unneeded);
            if is_needed && !*carried {
                *carried = true;
                self.need(phi.back);
                end = end.max(phi.back.as_instruction().map_or(1, |n| n + 1));
            }
        }
        end
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
fn find_states(trace: &Trace, edit: &Edit, lists: &mut Lists) {
    let Lists { states, seen, .. } = lists;
    states.clear();
    states.resize(trace.code.len() + edit.inserted.len(), State::Unneeded);
    seen.clear();
    seen.resize(trace.snapshots.len(), false);
    let mut search = Search {
        trace,
        edit,
        states,
        seen,
    };
    for &n in &edit.dropped {
        search.states[n] = State::Dropped;
    }
    if let End::Exit(snapshot) = trace.end {
        search.need_snapshot(snapshot);
    }
    let mut carried = vec![false; trace.phis.len()];
    // Phis are found to be needed in the loop. So what comes before it is looked at when they are known;
    // should it need another one all is looked at again.
    let mut start = match trace.phis.is_empty() {
        true => 0,
        false => trace.loop_start().unwrap_or(0),
    };
    let mut end = trace.code.len();
    while end > 0 {
        search.sweep(start, end);
        end = search.carry(&mut carried);
        if end == 0 && start > 0 {
            (start, end) = (0, start);
        }
    }
}
