//! Dropping and inserting instructions: everything is numbered anew.

use crate::ir::{Instruction, Ref, Trace};

/// What a pass wants to be changed in a trace. Nothing is numbered anew before the next pass has said
/// what it drops, too.
///
/// Invariant: nobody names a value that is dropped.
#[derive(Debug, Default)]
pub(super) struct Edit {
    /// The instructions to drop, by index, ascending.
    pub(super) dropped: Vec<usize>,
    /// Where others are inserted: before the instruction with this index.
    pub(super) at: usize,
    /// What is inserted. It names values of the trace by their refs, and its own by indices that go on
    /// where those of the trace end.
    pub(super) inserted: Vec<Instruction>,
}

impl Edit {
    /// Makes the changes.
    pub(super) fn apply(&self, trace: &mut Trace) {
        if !self.dropped.is_empty() || !self.inserted.is_empty() {
            let keep = |n: usize| self.dropped.binary_search(&n).is_err();
            rebuild(trace, self, keep, &mut Vec::new());
        }
    }
}

/// Inserts what an edit inserts, and keeps the instructions that `keep` says, inserted ones among them.
/// Nobody names a value that is dropped, but snapshots and phis that are not needed. The list of places is
/// filled anew.
pub(super) fn rebuild(
    trace: &mut Trace,
    edit: &Edit,
    keep: impl Fn(usize) -> bool,
    places: &mut Vec<Ref>,
) {
    let (length, at) = (trace.code.len(), edit.at);
    let count = edit.inserted.len();
    trace.code.splice(at..at, edit.inserted.iter().copied());
    places.clear();
    places.resize(length + count, Ref::NONE);
    let mut kept = 0;
    let order = (0..at).chain(length..length + count).chain(at..length);
    for (from, n) in order.enumerate() {
        if !keep(n) {
            continue;
        }
        let mut i = trace.code[from];
        for r in &mut i.args {
            *r = renamed(places, *r);
        }
        places[n] = Ref::instruction(kept);
        trace.code[kept] = i;
        kept += 1;
    }
    trace.code.truncate(kept);
    trace.snapshots.rename(|r| renamed(places, r));
    for phi in &mut trace.phis {
        phi.entry = renamed(places, phi.entry);
        phi.back = renamed(places, phi.back);
    }
    trace.phis.retain(|phi| phi.entry != Ref::NONE);
}

fn renamed(places: &[Ref], r: Ref) -> Ref {
    match r.as_instruction() {
        Some(n) => places[n],
        None => r,
    }
}
