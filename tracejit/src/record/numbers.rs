//! Operations on numbers that traces know a shorter way for than a call.

use super::Recording;
use super::values::RecordedFloat;
use crate::ir::{Helper, Op, Ref};

impl Recording {
    /// `a % b` of floats. Of a number that is not negative by a power of two it is what is left when
    /// the whole multiples are taken away: none of that is rounded while the quotient has at most 53
    /// bits.
    pub(super) fn float_remainder(&mut self, a: RecordedFloat, b: RecordedFloat) -> Ref {
        const EXACT: f64 = (1u64 << 53) as f64;
        const MANTISSA: u64 = (1 << 52) - 1;
        const DIVISORS: std::ops::Range<f64> = 1e-100..1e100;
        let divisor = b.concrete;
        let is_power_of_two = self.trace.float_of(b.r).is_some()
            && divisor.to_bits() & MANTISSA == 0
            && DIVISORS.contains(&divisor);
        if !is_power_of_two || !(0.0..EXACT * divisor).contains(&a.concrete) {
            return self.emit(Op::CallFloat, Helper::FloatMod as i32, &[a.r, b.r]);
        }
        let zero = self.trace.float(0.0);
        let limit = self.trace.float(EXACT * divisor);
        let inverse = self.trace.float(1.0 / divisor);
        self.guard(Op::GuardFLe, &[zero, a.r]);
        self.guard(Op::GuardFLt, &[a.r, limit]);
        let quotient = self.emit(Op::FMul, 0, &[a.r, inverse]);
        let whole = self.emit(Op::FloatToInt, 0, &[quotient]);
        let whole = self.emit(Op::IntToFloat, 0, &[whole]);
        let multiple = self.emit(Op::FMul, 0, &[whole, b.r]);
        self.emit(Op::FSub, 0, &[a.r, multiple])
    }
}
