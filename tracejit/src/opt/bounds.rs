//! Counted loops: checks that an index stays below a size are done once, before the loop, for all
//! rounds that are left.
//!
//! A loop is counted if a guard leaves it when a number `c` is 0 and each round takes 1 from that. It
//! then passes that guard `c` times at most. An index that grows by 1 in each round (`x`, `x + 1`, ...)
//! stays below the size all that time if `x <= size` and `c <= size - x`, all unsigned; one that
//! falls by 1, if `x + 1 <= size` and `c <= x + 1`. Neither can wrap around then.
//!
//! Invariants:
//! - Only checks behind the counter's guard are dropped: in the last round it leaves before them.
//! - The new guards leave with the state at the loop's head, when the first copy of the round is
//!   done. They may leave where the loop would have been left before it came to the index in
//!   question: that is never wrong, but of no use if it happens every time. Their snapshot is marked
//!   so that the engine can do without.

use super::rebuild::rebuild;
use crate::ir::{Instruction, Op, Ref, Snapshot, Trace};

/// How a value changes around the loop.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Counter {
    /// Its value at the head.
    entry: Ref,
    /// What a round adds to it.
    step: i64,
}

/// A check of an index against a size that the loop does not change.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Check {
    counter: Counter,
    /// From the counter at the head to the index.
    distance: i64,
    size: Ref,
}

/// Hoists the checks of a loop. `head` is the state at its head, before the second round.
pub(super) fn hoist(trace: &mut Trace, head: Snapshot) {
    let Some(start) = trace.loop_start() else {
        return;
    };
    let Some((rounds, behind)) = rounds_left(trace, start) else {
        return;
    };
    let mut keep = vec![true; trace.code.len()];
    let mut checks: Vec<Check> = Vec::new();
    for (n, keep) in keep.iter_mut().enumerate().skip(behind) {
        if let Some(check) = check_at(trace, start, n) {
            *keep = false;
            if !checks.contains(&check) {
                checks.push(check);
            }
        }
    }
    if checks.is_empty() {
        return;
    }
    trace.snapshots.push(Snapshot {
        is_speculative: true,
        ..head
    });
    let snapshot = trace.snapshots.len() as u32 - 1;
    let mut inserted = Vec::new();
    for check in checks {
        guard_all_rounds(trace, &mut inserted, start, rounds, check, snapshot);
    }
    rebuild(trace, &keep, start, &inserted);
}

/// The number of rounds that are left, and the index of the guard that counts them.
fn rounds_left(trace: &Trace, start: usize) -> Option<(Ref, usize)> {
    let zero = Some(0);
    (start..trace.code.len()).find_map(|n| {
        let i = &trace.code[n];
        let counted = match i.args {
            _ if i.op != Op::GuardNe => return None,
            [c, z, _] if trace.int_of(z) == zero => c,
            [z, c, _] if trace.int_of(z) == zero => c,
            _ => return None,
        };
        let counter = counter(trace, counted)?;
        (counter.step == -1).then_some((counted, n))
    })
}

/// How a value that phis carry around the loop changes by constants.
fn counter(trace: &Trace, entry: Ref) -> Option<Counter> {
    let phi = trace.phis.iter().find(|phi| phi.entry == entry)?;
    let (base, step) = linear(trace, phi.back);
    (base == entry).then_some(Counter { entry, step })
}

/// A value as another one and a constant that was added to it.
fn linear(trace: &Trace, r: Ref) -> (Ref, i64) {
    let (mut base, mut distance) = (r, 0i64);
    while let Some(n) = base.as_instruction() {
        let i = &trace.code[n];
        let added = match (i.op, trace.int_of(i.args[1])) {
            (Op::Add, Some(c)) => c,
            (Op::Sub, Some(c)) => c.wrapping_neg(),
            _ => break,
        };
        distance = distance.wrapping_add(added);
        base = i.args[0];
    }
    (base, distance)
}

/// The check that an instruction of the loop makes, if it can be hoisted.
fn check_at(trace: &Trace, start: usize, n: usize) -> Option<Check> {
    let i = &trace.code[n];
    let [index, size, _] = i.args;
    if i.op != Op::GuardBelow || size.as_instruction().is_some_and(|n| n > start) {
        return None;
    }
    // A size that is carried around the loop changes.
    if trace.phis.iter().any(|phi| phi.entry == size) {
        return None;
    }
    let (base, distance) = linear(trace, index);
    let counter = counter(trace, base)?;
    matches!(counter.step, 1 | -1).then_some(Check {
        counter,
        distance,
        size,
    })
}

/// Guards that a check will hold in all rounds that are left.
fn guard_all_rounds(
    trace: &mut Trace,
    inserted: &mut Vec<Instruction>,
    start: usize,
    rounds: Ref,
    check: Check,
    snapshot: u32,
) {
    let mut compute = |op: Op, a: Ref, b: Ref| {
        inserted.push(Instruction::new(op, 0, &[a, b]));
        Ref::instruction(start + inserted.len() - 1)
    };
    let x = check.counter.entry;
    let mut shifted = |distance: i64, trace: &mut Trace| match distance {
        0 => x,
        _ => {
            let distance = trace.int(distance);
            compute(Op::Add, x, distance)
        }
    };
    // How far the index may go before it would leave the range.
    let (end, room);
    if check.counter.step == 1 {
        end = shifted(check.distance, trace);
        room = compute(Op::Sub, check.size, end);
    } else {
        end = shifted(check.distance.wrapping_add(1), trace);
        room = end;
    }
    for (a, b) in [(check.size, end), (room, rounds)] {
        inserted.push(Instruction {
            snapshot,
            ..Instruction::new(Op::GuardNotBelow, 0, &[a, b])
        });
    }
}
