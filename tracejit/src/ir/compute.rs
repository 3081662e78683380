//! What operations without effect compute, and when guards hold: the meaning that the optimiser, the
//! evaluators and the code generator share. Values are 64 bits, as registers hold them.

use super::{Helper, Op};
use perilune_frontend::number;

/// The result of an operation without effect. `None` when it has none: a division by zero, an
/// operation of another kind.
pub fn pure(op: Op, a: u64, b: u64) -> Option<u64> {
    let (x, y) = (a as i64, b as i64);
    let (f, g) = (f64::from_bits(a), f64::from_bits(b));
    let int = |i: i64| Some(i as u64);
    let float = |f: f64| Some(f.to_bits());
    match op {
        Op::Add => int(x.wrapping_add(y)),
        Op::Sub => int(x.wrapping_sub(y)),
        Op::Mul => int(x.wrapping_mul(y)),
        Op::And => int(x & y),
        Op::Or => int(x | y),
        Op::Xor => int(x ^ y),
        Op::Shl => int(number::shift_left(x, y)),
        Op::Shr => int(number::shift_right(x, y)),
        Op::FloorDiv => int(number::int_floor_div(x, y)?),
        Op::FloorMod => int(number::int_floor_mod(x, y)?),
        Op::DivUnsigned => a.checked_div(b),
        Op::FAdd => float(f + g),
        Op::FSub => float(f - g),
        Op::FMul => float(f * g),
        Op::FDiv => float(f / g),
        Op::FNeg => Some(a ^ 1 << 63),
        Op::FAbs => Some(a & !(1 << 63)),
        Op::FSqrt => float(f.sqrt()),
        Op::IntToFloat => float(x as f64),
        Op::FloatToInt => int(truncated(f)),
        Op::FloorToInt => {
            let whole = truncated(f);
            int(whole.wrapping_sub(i64::from(whole as f64 > f)))
        }
        Op::SingleBits => Some((f as f32).to_bits().into()),
        Op::FloatFromSingle => float(f32::from_bits(a as u32).into()),
        Op::FloatBits | Op::FloatFromBits | Op::CopyInt | Op::CopyFloat => Some(a),
        _ => None,
    }
}

/// A float without its fraction, as the machine's conversion has it: the least integer stands for
/// all that are out of range, and for NaN.
fn truncated(f: f64) -> i64 {
    const LIMIT: f64 = -(i64::MIN as f64);
    if (-LIMIT..LIMIT).contains(&f) {
        f as i64
    } else {
        i64::MIN
    }
}

/// The result of a helper that depends on its operands alone.
pub fn pure_helper(helper: Helper, a: u64, b: u64) -> Option<u64> {
    let (f, g) = (f64::from_bits(a), f64::from_bits(b));
    match helper {
        Helper::FloatMod => Some(number::float_mod(f, g).to_bits()),
        Helper::FloatFloorDiv => Some(number::float_floor_div(f, g).to_bits()),
        Helper::FloatPow => Some(number::float_pow(f, g).to_bits()),
        _ => None,
    }
}

/// Whether a guard on two values holds; `None` for other operations.
pub fn holds(op: Op, a: u64, b: u64) -> Option<bool> {
    let (x, y) = (a as i64, b as i64);
    let (f, g) = (f64::from_bits(a), f64::from_bits(b));
    Some(match op {
        Op::GuardEq => x == y,
        Op::GuardNe => x != y,
        Op::GuardLt => x < y,
        Op::GuardLe => x <= y,
        Op::GuardBelow => a < b,
        Op::GuardNotBelow => a >= b,
        Op::GuardBits => a & b != 0,
        Op::GuardNoBits => a & b == 0,
        Op::GuardFLt => f < g,
        Op::GuardFLe => f <= g,
        Op::GuardFEq => f == g,
        Op::GuardNotFLt => f >= g || f.is_nan() || g.is_nan(),
        Op::GuardNotFLe => f > g || f.is_nan() || g.is_nan(),
        Op::GuardNotFEq => f != g,
        _ => return None,
    })
}
