//! What guards establish: equalities with constants, orders, ranges.

use crate::ir::compute::holds;
use crate::ir::{Constant, Instruction, Op, Ref, Trace};

/// Facts about refs. A ref never changes, so facts are never withdrawn.
///
/// What is known of a value stands at its index, what is known of two values in a list that begins at
/// the later one of them.
#[derive(Clone, Default, Debug)]
pub(super) struct Facts {
    /// By instruction; those behind the end are unknown.
    values: Vec<Value>,
    /// Least and greatest values, signed.
    ranges: Vec<(i64, i64)>,
    /// Guards that hold, and the place of the next one in the same list, plus one.
    holds: Vec<(Op, Ref, Ref, u32)>,
    /// The list of guards on constants.
    of_constants: u32,
}

/// What is known of a value. Places are one more than indices; zero stands for nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value {
    /// The constant that it equals, if any.
    constant: Ref,
    /// The place of its range.
    range: u32,
    /// The place of the first of the guards that hold of it and an earlier value.
    holds: u32,
    /// The place of the last guard in the code that it is not some constant.
    weak: u32,
}

impl Value {
    pub(super) const UNKNOWN: Value = Value {
        constant: Ref::NONE,
        range: 0,
        holds: 0,
        weak: 0,
    };
}

impl Facts {
    /// Nothing is known of the values of a trace that may become so long; the list is used for them.
    pub(super) fn new(length: usize, mut list: Vec<Value>) -> Facts {
        list.clear();
        list.resize(length, Value::UNKNOWN);
        Facts {
            values: list,
            ..Facts::default()
        }
    }

    /// The list, for others to use.
    pub(super) fn into_list(self) -> Vec<Value> {
        self.values
    }

    /// The constant that a ref was found to equal.
    pub(super) fn constant_of(&self, r: Ref) -> Option<Ref> {
        let constant = self.values.get(r.as_instruction()?)?.constant;
        (constant != Ref::NONE).then_some(constant)
    }

    /// Whether two values were found to differ.
    pub(super) fn differ(&self, a: Ref, b: Ref) -> bool {
        self.hold(Op::GuardNe, a, b)
    }

    /// The place in the code of the last guard that a value is not some constant.
    pub(super) fn weak_guard(&self, r: Ref) -> Option<usize> {
        let place = self.values.get(r.as_instruction()?)?.weak;
        (place as usize).checked_sub(1)
    }

    /// Notes such a guard, or that there is none any more.
    pub(super) fn set_weak_guard(&mut self, r: Ref, guard: Option<usize>) {
        if let Some(value) = self.value_mut(r) {
            value.weak = guard.map_or(0, |n| n as u32 + 1);
        }
    }

    fn value_mut(&mut self, r: Ref) -> Option<&mut Value> {
        let n = r.as_instruction()?;
        if n >= self.values.len() {
            self.values.resize(n + 1, Value::UNKNOWN);
        }
        Some(&mut self.values[n])
    }

    fn set_range(&mut self, r: Ref, range: (i64, i64)) {
        self.ranges.push(range);
        let place = self.ranges.len() as u32;
        if let Some(value) = self.value_mut(r) {
            value.range = place;
        }
    }

    /// Whether nothing but its width is known of the range of a value.
    fn has_no_range(&self, r: Ref) -> bool {
        let known = |n: usize| self.values.get(n).is_some_and(|value| value.range != 0);
        r.as_instruction().is_some_and(|n| !known(n))
    }

    fn range(&self, trace: &Trace, r: Ref) -> (i64, i64) {
        const ANY: (i64, i64) = (i64::MIN, i64::MAX);
        match r.as_instruction() {
            Some(n) => match self.values.get(n) {
                Some(&Value { range: 1.., .. }) => self.ranges[self.values[n].range as usize - 1],
                // What the width of a load says of its result.
                _ => match trace.code[n].op {
                    Op::Load8 | Op::Load8At | Op::SlotTag => (0, 0xff),
                    Op::Load32 => (0, 0xffff_ffff),
                    _ => ANY,
                },
            },
            None => trace.int_of(r).map_or(ANY, |i| (i, i)),
        }
    }

    /// Where the list of the guards on two values begins.
    fn first_of(&self, a: Ref, b: Ref) -> u32 {
        match a.as_instruction().max(b.as_instruction()) {
            Some(n) => self.values.get(n).map_or(0, |value| value.holds),
            None => self.of_constants,
        }
    }

    /// Whether a guard is known to hold.
    fn hold(&self, op: Op, a: Ref, b: Ref) -> bool {
        let is_symmetric = matches!(op, Op::GuardEq | Op::GuardNe);
        let mut place = self.first_of(a, b);
        while place != 0 {
            let (known, x, y, next) = self.holds[place as usize - 1];
            if known == op && ((x, y) == (a, b) || is_symmetric && (x, y) == (b, a)) {
                return true;
            }
            place = next;
        }
        false
    }

    fn add(&mut self, op: Op, a: Ref, b: Ref) {
        let first = self.first_of(a, b);
        self.holds.push((op, a, b, first));
        let place = self.holds.len() as u32;
        let later = match a.as_instruction() > b.as_instruction() {
            true => a,
            false => b,
        };
        match self.value_mut(later) {
            Some(value) => value.holds = place,
            None => self.of_constants = place,
        }
    }

    /// Whether a guard is sure to fail: it compares constants.
    pub(super) fn refute(trace: &Trace, i: &Instruction) -> bool {
        if !i.args[0].is_constant() || !i.args[1].is_constant() {
            return false;
        }
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
        if self.hold(i.op, a, b) {
            return true;
        }
        // The most usual guard: that a value is what nobody knew it to be.
        if i.op == Op::GuardEq && b.is_constant() && self.has_no_range(a) {
            return false;
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
            if let Some(value) = self.value_mut(value) {
                value.constant = constant;
            }
            return;
        }
        self.add(i.op, a, b);
        match i.op {
            Op::GuardEq => {
                self.add(Op::GuardLe, a, b);
                self.add(Op::GuardLe, b, a);
            }
            Op::GuardLt => {
                self.add(Op::GuardLe, a, b);
                self.add(Op::GuardNe, a, b);
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
                self.add(Op::GuardFLe, a, b);
                self.add(Op::GuardNotFLe, b, a);
                self.add(Op::GuardNotFLt, b, a);
            }
            Op::GuardFLe => {
                self.add(Op::GuardNotFLt, b, a);
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
            self.set_range(r, (known.0.max(low), known.1.min(high)));
        }
    }
}
