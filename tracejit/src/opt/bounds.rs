//! Counted loops: checks that an index stays below a size are done once, before the loop, for all
//! rounds that are left.
//!
//! A loop is counted if a guard leaves it when a number `c` is 0 and each round takes 1 from that. It
//! then passes that guard `c` times at most. An index that grows by 1 in each round (`x`, `x + 1`, ...)
//! stays below the size all that time if `x <= size` and `c <= size - x`, all unsigned; one that
//! falls by 1, if `x + 1 <= size` and `c <= x + 1`; one that grows by `k`, if `x <= size` and
//! `c * k <= size - x + k - 1`, where `k` is not 0 and both are small enough for their product. None of
//! them can wrap around then. To all of them something may be added that is the same in all rounds.
//!
//! Such a loop ends by itself, soon if it has not too many rounds: then events need not be polled for
//! in every round, but only before it. A loop with residual steps keeps its polls, and so does one that
//! makes objects: to join strings may take as long as they are.
//!
//! Invariants:
//! - Only checks behind the counter's guard are dropped: in the last round it leaves before them.
//! - The new guards leave with the state at the loop's head, when the first copy of the round is
//!   done. They may leave where the loop would have been left before it came to the index in
//!   question: that is never wrong, but of no use if it happens every time. Their snapshot is marked
//!   so that the engine can do without.

use super::memory::base_and_distance;
use super::rebuild::Edit;
use crate::ir::helper::HelperEffect;
use crate::ir::{Class, Helper, Instruction, NewSnapshot, Op, Phi, Ref, Trace};
use perilune_runtime::layout;

/// Rounds, and steps that are no constants, at most: their product does not wrap around.
const MOST: i64 = 1 << 31;

/// How many trace instructions a loop may execute without a poll: some 20 ms.
const UNPOLLED: usize = 1 << 26;

/// What a round adds to a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Constant(i64),
    /// The same in all rounds.
    Value(Ref),
}

/// A check of an index against a size that the loop does not change.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Check {
    /// What the index is counted from: its value at the head.
    entry: Ref,
    step: Step,
    /// Whether it is counted from the value after the step.
    is_after_step: bool,
    /// From there to the index: what is the same in all rounds, if anything, and a constant.
    offset: Option<Ref>,
    distance: i64,
    size: Ref,
}

/// Finds how to hoist the checks of a loop. `head` is the state at its head, before the second round;
/// the trace gets the snapshots that the new guards need.
pub(super) fn hoist(trace: &mut Trace, head: NewSnapshot) -> Edit {
    let start = trace.loop_start();
    let Some((start, (rounds, behind))) =
        start.and_then(|start| Some((start, rounds_left(trace, start)?)))
    else {
        return Edit::default();
    };
    let mut dropped = Vec::new();
    let mut checks: Vec<Check> = Vec::new();
    for n in behind..trace.code.len() {
        if let Some(check) = check_at(trace, start, n) {
            dropped.push(n);
            if !checks.contains(&check) {
                checks.push(check);
            }
        }
    }
    let polls = drop_polls(trace, start, &mut dropped);
    if checks.is_empty() && !polls {
        return Edit::default();
    }
    let needed = |check: &Check| {
        let border = |other: &Check| is_border_of(trace, other.size, check.size);
        !checks.iter().any(|&other| {
            border(&other)
                && Check {
                    size: check.size,
                    ..other
                } == *check
        })
    };
    let checks: Vec<Check> = checks.iter().copied().filter(needed).collect();
    // With no rounds left the loop is done, and where its index would be does not matter.
    let zero = trace.int(0);
    let done = trace.snapshots.add(head.clone());
    let snapshot = trace.snapshots.add(NewSnapshot {
        is_speculative: true,
        ..head
    });
    let mut inserted = vec![Instruction {
        snapshot: done,
        ..Instruction::new(Op::GuardNe, 0, &[rounds, zero])
    }];
    if polls {
        let most = trace.int((UNPOLLED / (trace.code.len() - start)) as i64);
        inserted.push(Instruction {
            snapshot,
            ..Instruction::new(Op::GuardNotBelow, 0, &[most, rounds])
        });
    }
    for check in checks {
        guard_all_rounds(trace, &mut inserted, rounds, check, snapshot);
    }
    Edit {
        dropped,
        at: start,
        inserted,
    }
}

/// Drops the polls of a loop whose rounds are short; whether there were any.
fn drop_polls(trace: &Trace, start: usize, dropped: &mut Vec<usize>) -> bool {
    let takes_long = |i: &Instruction| {
        let makes = |helper: Helper| helper.effect() == HelperEffect::Allocates;
        i.op == Op::Step || i.helper().is_some_and(makes)
    };
    if trace.runs_long || trace.code[start..].iter().any(takes_long) {
        return false;
    }
    let count = dropped.len();
    let is_poll = |n: &usize| trace.code[*n].op == Op::GuardQuiet;
    dropped.extend((start..trace.code.len()).filter(is_poll));
    if dropped.len() == count {
        return false;
    }
    dropped.sort_unstable();
    true
}

/// Whether one size is the border of the array of which the other one is the capacity: it is not
/// greater.
fn is_border_of(trace: &Trace, border: Ref, capacity: Ref) -> bool {
    let table = |size: Ref, field: i32| {
        let i = &trace.code[size.as_instruction()?];
        let is_field = i.op == Op::Load32 && i.class == Class::TableHeader && i.imm == field;
        is_field.then_some(i.args[0])
    };
    let of_border = table(border, layout::TABLE_BORDER);
    of_border.is_some() && of_border == table(capacity, layout::TABLE_CAPACITY)
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
        let phi = trace.phis.iter().find(|phi| phi.entry == counted)?;
        (base_and_distance(trace, phi.back) == (counted, -1)).then_some((counted, n))
    })
}

/// The check that an instruction of the loop makes, if it can be hoisted.
fn check_at(trace: &Trace, start: usize, n: usize) -> Option<Check> {
    let i = &trace.code[n];
    let [index, size, _] = i.args;
    if i.op != Op::GuardBelow || !is_invariant(trace, start, size) {
        return None;
    }
    let (base, distance) = base_and_distance(trace, index);
    let find = |base, distance, offset| {
        let check = |phi| check_from(trace, start, phi, (base, distance, offset), size);
        trace.phis.iter().find_map(check)
    };
    find(base, distance, None).or_else(|| {
        let (rest, offset) = without_invariant(trace, start, base)?;
        let (base, more) = base_and_distance(trace, rest);
        find(base, distance.wrapping_add(more), Some(offset))
    })
}

/// A sum as the part that changes and the part that is the same in all rounds.
fn without_invariant(trace: &Trace, start: usize, sum: Ref) -> Option<(Ref, Ref)> {
    let i = &trace.code[sum.as_instruction().filter(|&n| n > start)?];
    match i.args {
        [a, b, _] if i.op == Op::Add && is_invariant(trace, start, b) => Some((a, b)),
        [a, b, _] if i.op == Op::Add && is_invariant(trace, start, a) => Some((b, a)),
        _ => None,
    }
}

/// The check that an index stays below a size: what it is counted from, a constant and something
/// else that is added.
fn check_from(
    trace: &Trace,
    start: usize,
    phi: &Phi,
    (base, distance, offset): (Ref, i64, Option<Ref>),
    size: Ref,
) -> Option<Check> {
    let (next, added) = base_and_distance(trace, phi.back);
    let check = |step, is_after_step| {
        Some(Check {
            entry: phi.entry,
            step,
            is_after_step,
            offset,
            distance,
            size,
        })
    };
    if next == phi.entry {
        let is_one = base == phi.entry && (added == 1 || added == -1);
        return is_one.then(|| check(Step::Constant(added), false))?;
    }
    if added != 0 || (base != phi.entry && base != next) {
        return None;
    }
    let (before, step) = without_invariant(trace, start, next)?;
    (before == phi.entry).then(|| check(Step::Value(step), base == next))?
}

/// Whether a value is the same in all rounds.
fn is_invariant(trace: &Trace, start: usize, r: Ref) -> bool {
    r.as_instruction().is_none_or(|n| n < start) && trace.phis.iter().all(|phi| phi.entry != r)
}

/// Guards that a check will hold in all rounds that are left.
fn guard_all_rounds(
    trace: &mut Trace,
    inserted: &mut Vec<Instruction>,
    rounds: Ref,
    check: Check,
    snapshot: u32,
) {
    let end_of_trace = trace.code.len();
    let mut compute = |op: Op, a: Ref, b: Ref| {
        let i = Instruction::new(op, 0, &[a, b]);
        let n = inserted.iter().position(|known| *known == i);
        let n = n.unwrap_or_else(|| {
            inserted.push(i);
            inserted.len() - 1
        });
        Ref::instruction(end_of_trace + n)
    };
    let mut end = check.entry;
    if let (Step::Value(step), true) = (check.step, check.is_after_step) {
        end = compute(Op::Add, end, step);
    }
    if let Some(offset) = check.offset {
        end = compute(Op::Add, end, offset);
    }
    let is_falling = check.step == Step::Constant(-1);
    let distance = check.distance.wrapping_add(i64::from(is_falling));
    if distance != 0 {
        let distance = trace.int(distance);
        end = compute(Op::Add, end, distance);
    }
    // How far the index may go before it would leave the range, and how far it goes.
    let mut room = end;
    let mut way = rounds;
    let mut guards = vec![(Op::GuardNotBelow, check.size, end)];
    if !is_falling {
        room = compute(Op::Sub, check.size, end);
    }
    if let Step::Value(step) = check.step {
        let (minus_one, most) = (trace.int(-1), trace.int(MOST));
        let less = compute(Op::Add, step, minus_one);
        way = compute(Op::Mul, rounds, step);
        room = compute(Op::Add, room, less);
        guards.extend([
            (Op::GuardBelow, less, most),
            (Op::GuardNotBelow, most, rounds),
        ]);
    }
    guards.push((Op::GuardNotBelow, room, way));
    for (op, a, b) in guards {
        let guard = Instruction {
            snapshot,
            ..Instruction::new(op, 0, &[a, b])
        };
        if !inserted.contains(&guard) {
            inserted.push(guard);
        }
    }
}
