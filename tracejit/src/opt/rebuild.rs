//! Dropping and inserting instructions: everything is numbered anew.

use crate::ir::{Instruction, Ref, Trace};

/// Keeps the instructions that `keep` says, and inserts others before the one with index `at`.
///
/// What is inserted names values by their refs before the change, and itself by those after it. All
/// instructions before `at` are kept, unless nothing is inserted. Nobody names a value that is dropped,
/// but snapshots and phis that are not needed.
pub(super) fn rebuild(trace: &mut Trace, keep: &[bool], at: usize, inserted: &[Instruction]) {
    if inserted.is_empty() {
        return drop_others(trace, keep);
    }
    let mut places = vec![Ref::NONE; trace.code.len()];
    let mut kept = Vec::with_capacity(trace.code.len() + inserted.len());
    for (n, i) in trace.code.iter().enumerate() {
        if n == at {
            kept.extend_from_slice(inserted);
        }
        if !keep[n] {
            continue;
        }
        let mut i = *i;
        for r in &mut i.args {
            *r = renamed(&places, *r);
        }
        places[n] = Ref::instruction(kept.len());
        kept.push(i);
    }
    trace.code = kept;
    rename_rest(trace, &places);
}

/// The same where nothing is inserted: instructions move down in the list.
fn drop_others(trace: &mut Trace, keep: &[bool]) {
    let mut places = vec![Ref::NONE; trace.code.len()];
    let mut kept = 0;
    for (n, _) in keep.iter().enumerate().filter(|(_, keep)| **keep) {
        let mut i = trace.code[n];
        for r in &mut i.args {
            *r = renamed(&places, *r);
        }
        places[n] = Ref::instruction(kept);
        trace.code[kept] = i;
        kept += 1;
    }
    trace.code.truncate(kept);
    rename_rest(trace, &places);
}

fn renamed(places: &[Ref], r: Ref) -> Ref {
    match r.as_instruction() {
        Some(n) => places[n],
        None => r,
    }
}

/// Renames what snapshots and phis name.
fn rename_rest(trace: &mut Trace, places: &[Ref]) {
    trace.snapshots.rename(|r| renamed(places, r));
    for phi in &mut trace.phis {
        phi.entry = renamed(places, phi.entry);
        phi.back = renamed(places, phi.back);
    }
    trace.phis.retain(|phi| phi.entry != Ref::NONE);
}
