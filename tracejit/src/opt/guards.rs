//! What guards establish: equalities with constants, orders, ranges.

use crate::ir::compute::holds;
use crate::ir::{Constant, Instruction, Op, Ref, Trace};
use rustc_hash::{FxHashMap, FxHashSet};

/// Facts about refs. A ref never changes, so facts are never withdrawn.
#[derive(Clone, Default, Debug)]
pub(super) struct Facts {
    /// Refs that equal a constant.
    constants: FxHashMap<Ref, Ref>,
    /// Guards that hold.
    holds: FxHashSet<(Op, Ref, Ref)>,
    /// Least and greatest value, signed.
    ranges: FxHashMap<Ref, (i64, i64)>,
}

impl Facts {
    /// The constant that a ref was found to equal.
    pub(super) fn constant_of(&self, r: Ref) -> Option<Ref> {
        self.constants.get(&r).copied()
    }

    /// Whether two values were found to differ.
    pub(super) fn differ(&self, a: Ref, b: Ref) -> bool {
        self.holds.contains(&(Op::GuardNe, a, b))
    }

    /// What the width of a load says of its result.
    pub(super) fn learn_width(&mut self, r: Ref, op: Op) {
        let greatest = match op {
            Op::Load8 | Op::Load8At | Op::SlotTag => 0xff,
            Op::Load32 => 0xffff_ffff,
            _ => return,
        };
        self.ranges.insert(r, (0, greatest));
    }

    fn range(&self, trace: &Trace, r: Ref) -> (i64, i64) {
        match trace.int_of(r) {
            Some(i) => (i, i),
            None => self.ranges.get(&r).copied().unwrap_or((i64::MIN, i64::MAX)),
        }
    }

    /// Whether a guard is sure to fail: it compares constants.
    pub(super) fn refute(trace: &Trace, i: &Instruction) -> bool {
        let bits = |r: Ref| match trace.constant_of(r)? {
            Constant::Vm => None,
            constant => Some(constant.bits()),
        };
        let (a, b) = (bits(i.args[0]), bits(i.args[1]));
        a.zip(b).and_then(|(a, b)| holds(i.op, a, b)) == Some(false)
    }

    /// Whether a guard is sure to hold.
    pub(super) fn implies(&self, trace: &Trace, i: &Instruction) -> bool {
        let [a, b, _] = i.args;
        if self.holds.contains(&(i.op, a, b)) {
            return true;
        }
        if let (Some(x), Some(y)) = (trace.float_of(a), trace.float_of(b)) {
            return match i.op {
                Op::GuardFLt => x < y,
                Op::GuardFLe => x <= y,
                Op::GuardFEq => x == y,
                Op::GuardNotFLt => x >= y || x.is_nan() || y.is_nan(),
                Op::GuardNotFLe => x > y || x.is_nan() || y.is_nan(),
                Op::GuardNotFEq => x != y,
                _ => false,
            };
        }
        let ((low, high), (other_low, other_high)) = (self.range(trace, a), self.range(trace, b));
        let both_natural = low >= 0 && other_low >= 0;
        match i.op {
            Op::GuardEq => {
                (a == b && trace.type_of(a) == crate::ir::Type::Int)
                    || (low == high && other_low == other_high && low == other_low)
            }
            Op::GuardNe => high < other_low || other_high < low,
            Op::GuardLt => high < other_low,
            Op::GuardLe => high <= other_low || a == b,
            Op::GuardBelow => both_natural && high < other_low,
            Op::GuardNotBelow => both_natural && low >= other_high,
            Op::GuardBits | Op::GuardNoBits => match (trace.int_of(a), trace.int_of(b)) {
                (Some(x), Some(y)) => (x & y != 0) == (i.op == Op::GuardBits),
                _ => false,
            },
            _ => false,
        }
    }

    /// Notes what a guard that was passed establishes.
    pub(super) fn learn(&mut self, trace: &Trace, i: &Instruction) {
        let [a, b, _] = i.args;
        // A value that equals a constant is replaced by it from now on.
        if i.op == Op::GuardEq && a.is_constant() != b.is_constant() {
            let (value, constant) = if b.is_constant() { (a, b) } else { (b, a) };
            self.constants.insert(value, constant);
            return;
        }
        self.holds.insert((i.op, a, b));
        match i.op {
            Op::GuardEq => {
                self.holds.insert((Op::GuardEq, b, a));
                self.holds.insert((Op::GuardLe, a, b));
                self.holds.insert((Op::GuardLe, b, a));
            }
            Op::GuardNe => {
                self.holds.insert((Op::GuardNe, b, a));
            }
            Op::GuardLt => {
                self.holds.insert((Op::GuardLe, a, b));
                self.holds.insert((Op::GuardNe, a, b));
                self.holds.insert((Op::GuardNe, b, a));
                self.learn_order(trace, a, b, 1);
            }
            Op::GuardLe => self.learn_order(trace, a, b, 0),
            Op::GuardBelow => {
                let (low, high) = self.range(trace, b);
                if low >= 0 {
                    let known = self.range(trace, a);
                    self.narrow(a, known, 0, high.saturating_sub(1));
                }
            }
            Op::GuardFLt => {
                self.holds.insert((Op::GuardFLe, a, b));
                self.holds.insert((Op::GuardNotFLe, b, a));
                self.holds.insert((Op::GuardNotFLt, b, a));
            }
            Op::GuardFLe => {
                self.holds.insert((Op::GuardNotFLt, b, a));
            }
            _ => {}
        }
    }

    /// `a + gap <= b`.
    fn learn_order(&mut self, trace: &Trace, a: Ref, b: Ref, gap: i64) {
        let (known_a, known_b) = (self.range(trace, a), self.range(trace, b));
        self.narrow(a, known_a, i64::MIN, known_b.1.saturating_sub(gap));
        self.narrow(b, known_b, known_a.0.saturating_add(gap), i64::MAX);
    }

    fn narrow(&mut self, r: Ref, known: (i64, i64), low: i64, high: i64) {
        if !r.is_constant() {
            self.ranges.insert(r, (known.0.max(low), known.1.min(high)));
        }
    }
}
