//! The meaning of Lua's numbers: arithmetic, comparison, conversion and the numeric `for`.
//!
//! Everything here is a pure function of `i64` and `f64`; the constant folder, the interpreter,
//! the library and the trace evaluator all use these, so a number means the same everywhere.
//! Section numbers are those of the Lua 5.4 manual.
//!
//! - [`parse`]: strings to numbers (§3.1, §3.4.3).
//! - [`format`]: numbers to strings, and `printf`'s float conversions.

pub mod format;
pub mod parse;

pub use format::{IntegerText, format_general, number_to_string, push_number};
pub use parse::str_to_number;

use std::cmp::Ordering;

/// A Lua number: one of its two subtypes (§2.1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// An integer.
    Integer(i64),
    /// A float.
    Float(f64),
}

impl Number {
    /// Its value as a float, rounded to nearest (§3.4.3).
    pub fn to_float(self) -> f64 {
        match self {
            Number::Integer(integer) => integer as f64,
            Number::Float(float) => float,
        }
    }

    /// Its value as an integer if it has an exact integer representation (§3.4.3).
    pub fn to_integer(self) -> Option<i64> {
        match self {
            Number::Integer(integer) => Some(integer),
            Number::Float(float) => float_to_integer(float, Rounding::Exact),
        }
    }
}

/// How [`float_to_integer`] treats a fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// A float with a fraction is refused.
    Exact,
    /// Towards minus infinity.
    Floor,
    /// Towards plus infinity.
    Ceil,
}

/// 2^63: the first float above all integers.
const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;

/// The integer that `float` denotes after `rounding`; `None` if there is none, or for NaN
/// (§3.4.3).
#[inline]
pub fn float_to_integer(float: f64, rounding: Rounding) -> Option<i64> {
    let rounded = match rounding {
        Rounding::Exact => {
            // Truncating and converting back is exact for everything in range.
            let integer = float as i64;
            return (integer as f64 == float && float < TWO_TO_63).then_some(integer);
        }
        Rounding::Floor => floor(float),
        Rounding::Ceil => -floor(-float),
    };
    (-TWO_TO_63..TWO_TO_63)
        .contains(&rounded)
        .then_some(rounded as i64)
}

// --- Arithmetic (§3.4.1) ---

/// `a // b` of integers, rounded towards minus infinity; `None` when `b` is 0 (an error, "attempt
/// to divide by zero"). `math.mininteger // -1` wraps to itself.
#[inline]
pub fn int_floor_div(a: i64, b: i64) -> Option<i64> {
    match b {
        0 => None,
        -1 => Some(a.wrapping_neg()),
        _ => {
            let quotient = a / b;
            let inexact_negative = (a ^ b) < 0 && a % b != 0;
            Some(quotient - i64::from(inexact_negative))
        }
    }
}

/// `a % b` of integers, with the sign of `b`; `None` when `b` is 0 (an error, "attempt to perform
/// 'n%0'").
#[inline]
pub fn int_floor_mod(a: i64, b: i64) -> Option<i64> {
    match b {
        0 => None,
        // Also avoids the trap of mininteger % -1.
        -1 => Some(0),
        _ => {
            let remainder = a % b;
            let other_sign = remainder != 0 && (remainder ^ b) < 0;
            Some(if other_sign { remainder + b } else { remainder })
        }
    }
}

/// `a // b` of floats: the floor of the quotient.
#[inline]
pub fn float_floor_div(a: f64, b: f64) -> f64 {
    floor(a / b)
}

/// The greatest integral float that is not above `x`. As the target's baseline instruction set may
/// lack a rounding instruction, this goes by way of the integers where it can.
#[inline]
pub fn floor(x: f64) -> f64 {
    const INTEGRAL: f64 = (1u64 << 52) as f64;
    if x.abs() >= INTEGRAL || x.is_nan() {
        return x;
    }
    let truncated = x as i64 as f64;
    let floored = if truncated > x {
        truncated - 1.0
    } else {
        truncated
    };
    // Zero keeps the sign: floor(-0.0) is -0.0.
    floored.copysign(x)
}

/// The remainder of the truncating division, exact as C's `fmod`. By a power of two nothing is rounded
/// if the quotient is small; where both operands are integral and small, it is the integers'. Both are
/// far faster.
#[inline]
fn remainder(a: f64, b: f64) -> f64 {
    const EXACT: f64 = (1u64 << 53) as f64;
    const MANTISSA: u64 = (1 << 52) - 1;
    // Zero and infinity have no mantissa either: their quotients are not small, or not exact.
    if b.to_bits() & MANTISSA == 0 && b.is_normal() {
        let quotient = a / b;
        if quotient.abs() < EXACT {
            return (a - quotient as i64 as f64 * b).copysign(a);
        }
    }
    if a.abs() < EXACT && b.abs() < EXACT {
        let (integral_a, integral_b) = (a as i64, b as i64);
        if integral_b != 0 && integral_a as f64 == a && integral_b as f64 == b {
            return ((integral_a % integral_b) as f64).copysign(a);
        }
    }
    a % b
}

/// `a % b` of floats: `fmod` corrected to have the sign of `b`, so `5 % -inf` is `-inf`.
#[inline]
pub fn float_mod(a: f64, b: f64) -> f64 {
    let remainder = remainder(a, b);
    let other_sign = if remainder > 0.0 {
        b < 0.0
    } else {
        remainder < 0.0 && b > 0.0
    };
    if other_sign { remainder + b } else { remainder }
}

/// `a ^ b`, always of floats.
#[inline]
pub fn float_pow(a: f64, b: f64) -> f64 {
    if b == 2.0 { a * a } else { a.powf(b) }
}

/// `a << b` (§3.4.2): logical; a negative `b` shifts right, 64 bits or more give 0.
#[inline]
pub fn shift_left(a: i64, b: i64) -> i64 {
    if b <= -64 || b >= 64 {
        0
    } else if b >= 0 {
        ((a as u64) << b) as i64
    } else {
        ((a as u64) >> -b) as i64
    }
}

/// `a >> b` (§3.4.2): logical; a negative `b` shifts left, 64 bits or more give 0.
#[inline]
pub fn shift_right(a: i64, b: i64) -> i64 {
    // Wrapping keeps mininteger negative, which shifts everything out either way.
    shift_left(a, b.wrapping_neg())
}

// --- Comparison (§3.4.4): exact, never through a rounded conversion ---

/// Whether `integer` converts to a float without rounding for certain.
#[inline]
fn fits_float(integer: i64) -> bool {
    const LIMIT: u64 = 1 << 53;
    (LIMIT.wrapping_add(integer as u64)) <= 2 * LIMIT
}

/// `integer == float`, exactly.
#[inline]
pub fn int_eq_float(integer: i64, float: f64) -> bool {
    float_to_integer(float, Rounding::Exact) == Some(integer)
}

/// `integer < float`, exactly; false for NaN.
#[inline]
pub fn int_lt_float(integer: i64, float: f64) -> bool {
    if fits_float(integer) {
        return (integer as f64) < float;
    }
    match float_to_integer(float, Rounding::Ceil) {
        Some(ceiling) => integer < ceiling,
        None => float > 0.0,
    }
}

/// `integer <= float`, exactly; false for NaN.
#[inline]
pub fn int_le_float(integer: i64, float: f64) -> bool {
    if fits_float(integer) {
        return (integer as f64) <= float;
    }
    match float_to_integer(float, Rounding::Floor) {
        Some(floor) => integer <= floor,
        None => float > 0.0,
    }
}

/// `float < integer`, exactly; false for NaN.
#[inline]
pub fn float_lt_int(float: f64, integer: i64) -> bool {
    if fits_float(integer) {
        return float < integer as f64;
    }
    match float_to_integer(float, Rounding::Floor) {
        Some(floor) => floor < integer,
        None => float < 0.0,
    }
}

/// `float <= integer`, exactly; false for NaN.
#[inline]
pub fn float_le_int(float: f64, integer: i64) -> bool {
    if fits_float(integer) {
        return float <= integer as f64;
    }
    match float_to_integer(float, Rounding::Ceil) {
        Some(ceiling) => ceiling <= integer,
        None => float < 0.0,
    }
}

/// `a == b` of any two numbers: mathematical equality.
#[inline]
pub fn number_eq(a: Number, b: Number) -> bool {
    match (a, b) {
        (Number::Integer(a), Number::Integer(b)) => a == b,
        (Number::Float(a), Number::Float(b)) => a == b,
        (Number::Integer(integer), Number::Float(float))
        | (Number::Float(float), Number::Integer(integer)) => int_eq_float(integer, float),
    }
}

/// `a < b` of any two numbers.
#[inline]
pub fn number_lt(a: Number, b: Number) -> bool {
    match (a, b) {
        (Number::Integer(a), Number::Integer(b)) => a < b,
        (Number::Float(a), Number::Float(b)) => a < b,
        (Number::Integer(a), Number::Float(b)) => int_lt_float(a, b),
        (Number::Float(a), Number::Integer(b)) => float_lt_int(a, b),
    }
}

/// `a <= b` of any two numbers.
#[inline]
pub fn number_le(a: Number, b: Number) -> bool {
    match (a, b) {
        (Number::Integer(a), Number::Integer(b)) => a <= b,
        (Number::Float(a), Number::Float(b)) => a <= b,
        (Number::Integer(a), Number::Float(b)) => int_le_float(a, b),
        (Number::Float(a), Number::Integer(b)) => float_le_int(a, b),
    }
}

/// The order of two numbers; `None` if one is NaN.
pub fn number_cmp(a: Number, b: Number) -> Option<Ordering> {
    if number_lt(a, b) {
        Some(Ordering::Less)
    } else if number_eq(a, b) {
        Some(Ordering::Equal)
    } else if number_lt(b, a) {
        Some(Ordering::Greater)
    } else {
        None
    }
}

// --- The numeric `for` (§3.3.5) ---

/// How a numeric `for` runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ForLoop {
    /// Not at all.
    Skip,
    /// With integers: `start`, then `count` more iterations, adding `step` before each. The
    /// count is computed beforehand, so the variable never wraps around.
    Integer {
        /// The first value of the control variable.
        start: i64,
        /// What is added before each further iteration.
        step: i64,
        /// How many iterations follow the first.
        count: u64,
    },
    /// With floats: as long as [`float_for_continues`].
    Float {
        /// The first value of the control variable.
        start: f64,
        /// The last value allowed.
        limit: f64,
        /// What is added before each further iteration.
        step: f64,
    },
}

/// The error "'for' step is zero".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZeroStep;

/// Prepares `for v = start, limit, step`. The loop is an integer one if `start` and `step` are
/// integers; `limit` is then clipped to the integers. A string operand has to be converted by the
/// caller, a string `start` or `step` to a float.
pub fn for_prepare(start: Number, limit: Number, step: Number) -> Result<ForLoop, ZeroStep> {
    if let (Number::Integer(start), Number::Integer(step)) = (start, step) {
        if step == 0 {
            return Err(ZeroStep);
        }
        return Ok(prepare_integer(start, limit, step));
    }
    let (start, limit, step) = (start.to_float(), limit.to_float(), step.to_float());
    if step == 0.0 {
        return Err(ZeroStep);
    }
    // Written like this, a NaN does not skip an ascending loop (as in PUC's comparison).
    let skip = if step > 0.0 {
        limit < start
    } else {
        start < limit
    };
    Ok(if skip {
        ForLoop::Skip
    } else {
        ForLoop::Float { start, limit, step }
    })
}

fn prepare_integer(start: i64, limit: Number, step: i64) -> ForLoop {
    let limit = match limit {
        Number::Integer(limit) => limit,
        Number::Float(float) => {
            let rounding = if step < 0 {
                Rounding::Ceil
            } else {
                Rounding::Floor
            };
            match float_to_integer(float, rounding) {
                Some(limit) => limit,
                None if float > 0.0 && step > 0 => i64::MAX,
                None if float > 0.0 => return ForLoop::Skip,
                // Too small, or NaN.
                None if step > 0 => return ForLoop::Skip,
                None => i64::MIN,
            }
        }
    };
    if if step > 0 {
        start > limit
    } else {
        start < limit
    } {
        return ForLoop::Skip;
    }
    let count = if step > 0 {
        (limit as u64).wrapping_sub(start as u64) / step as u64
    } else {
        (start as u64).wrapping_sub(limit as u64) / step.unsigned_abs()
    };
    ForLoop::Integer { start, step, count }
}

/// Whether a float loop runs with `value`, which is its control variable after adding `step`.
#[inline]
pub fn float_for_continues(value: f64, limit: f64, step: f64) -> bool {
    if step > 0.0 {
        value <= limit
    } else {
        limit <= value
    }
}

#[cfg(test)]
mod tests;
