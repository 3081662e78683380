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

fn needed(trace: &Trace) -> Vec<bool> {
    let mut needed = vec![false; trace.code.len()];
    let need = |needed: &mut [bool], r: Ref| {
        if let Some(n) = r.as_instruction() {
            needed[n] = true;
        }
    };
    if let End::Exit(snapshot) = trace.end {
        for r in trace.snapshots[snapshot as usize].values() {
            need(&mut needed, r);
        }
    }
    let mut carried = vec![false; trace.phis.len()];
    // What a snapshot names is there before the first guard that leaves through it.
    let mut seen = vec![false; trace.snapshots.len()];
    loop {
        for (n, i) in trace.code.iter().enumerate().rev() {
            needed[n] |= has_effect(i);
            if !needed[n] {
                continue;
            }
            i.operands().for_each(|r| need(&mut needed, r));
            if i.op.is_guard() && !std::mem::replace(&mut seen[i.snapshot as usize], true) {
                for r in trace.snapshots[i.snapshot as usize].values() {
                    need(&mut needed, r);
                }
            }
        }
        let mut changed = false;
        for (phi, carried) in trace.phis.iter().zip(&mut carried) {
            let is_needed = phi.entry.as_instruction().is_some_and(|n| needed[n]);
            if is_needed && !*carried {
                *carried = true;
                changed = true;
                need(&mut needed, phi.back);
            }
        }
        if !changed {
            return needed;
        }
    }
}
