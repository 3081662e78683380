//! Computes operations on constants, and simplifies others by rules that are exact.
//!
//! Integers wrap around as the language's do. Floats follow IEEE 754: only what holds for every
//! value, zeros of both signs, infinities and NaN included, is used; of a NaN the sign is kept.

use super::rewrite::Rewriter;
use crate::ir::{Constant, Instruction, Op, Ref};
use perilune_frontend::number;

/// Whether the operands of an operation may be exchanged. Not those of float operations: of two
/// NaNs the first comes out.
pub(super) fn commutes(op: Op) -> bool {
    matches!(op, Op::Add | Op::Mul | Op::And | Op::Or | Op::Xor)
}

/// The simpler form of an operation without effect, if there is one.
pub(super) fn fold(w: &mut Rewriter, i: &Instruction) -> Option<Ref> {
    let [a, b, _] = i.args;
    if let Some(constant) = constant_result(w, i) {
        return Some(w.new.constant(constant));
    }
    match (w.new.int_of(a), w.new.int_of(b)) {
        (Some(_), None) if commutes(i.op) && b != Ref::NONE => {
            return Some(w.pure(Instruction::new(i.op, i.imm, &[b, a])));
        }
        (None, Some(c)) if a != Ref::VM => return with_constant(w, i.op, a, c),
        _ => {}
    }
    match i.op {
        Op::Sub | Op::Xor if a == b => Some(w.new.int(0)),
        Op::And | Op::Or if a == b => Some(a),
        Op::FloatBits => inverse(w, a, Op::FloatFromBits),
        Op::FloatFromBits => inverse(w, a, Op::FloatBits),
        Op::FNeg => inverse(w, a, Op::FNeg),
        // x / c is x * (1 / c) when that is exact: c is a power of two.
        Op::FDiv => {
            let c = w.new.float_of(b)?;
            let reciprocal = 1.0 / c;
            let is_exact = c.is_normal() && reciprocal.is_normal() && c.to_bits() << 12 == 0;
            if !is_exact {
                return None;
            }
            let reciprocal = w.new.float(reciprocal);
            Some(w.pure(Instruction::new(Op::FMul, 0, &[a, reciprocal])))
        }
        Op::FMul if w.new.float_of(b) == Some(1.0) => Some(a),
        _ => None,
    }
}

/// The operand of the operation that undoes this one.
fn inverse(w: &Rewriter, a: Ref, op: Op) -> Option<Ref> {
    let i = &w.new.code[a.as_instruction()?];
    (i.op == op).then_some(i.args[0])
}

/// `a op c` for a constant `c`.
fn with_constant(w: &mut Rewriter, op: Op, a: Ref, c: i64) -> Option<Ref> {
    match (op, c) {
        (Op::Add | Op::Sub | Op::Or | Op::Xor | Op::Shl | Op::Shr, 0) => Some(a),
        (Op::Mul | Op::FloorDiv | Op::DivUnsigned, 1) | (Op::And, -1) => Some(a),
        (Op::Mul | Op::And, 0) => Some(w.new.int(0)),
        (Op::FloorMod, 1..) if c & (c - 1) == 0 => {
            let mask = w.new.int(c - 1);
            Some(w.pure(Instruction::new(Op::And, 0, &[a, mask])))
        }
        (Op::Sub, _) => {
            let negated = w.new.int(c.wrapping_neg());
            Some(w.pure(Instruction::new(Op::Add, 0, &[a, negated])))
        }
        (Op::Add, _) => {
            // (x + c1) + c2
            let inner = w.new.code[a.as_instruction()?];
            let c1 = (inner.op == Op::Add).then(|| w.new.int_of(inner.args[1]))??;
            let sum = w.new.int(c1.wrapping_add(c));
            Some(w.pure(Instruction::new(Op::Add, 0, &[inner.args[0], sum])))
        }
        _ => None,
    }
}

/// The result of an operation on constants.
fn constant_result(w: &Rewriter, i: &Instruction) -> Option<Constant> {
    let [a, b, _] = i.args;
    let float = |f: f64| Some(Constant::Float(f.to_bits()));
    if let (Some(x), Some(y)) = (w.new.int_of(a), w.new.int_of(b)) {
        let result = match i.op {
            Op::Add => x.wrapping_add(y),
            Op::Sub => x.wrapping_sub(y),
            Op::Mul => x.wrapping_mul(y),
            Op::And => x & y,
            Op::Or => x | y,
            Op::Xor => x ^ y,
            Op::Shl => number::shift_left(x, y),
            Op::Shr => number::shift_right(x, y),
            _ => return None,
        };
        return Some(Constant::Int(result));
    }
    if let (Some(x), Some(y)) = (w.new.float_of(a), w.new.float_of(b)) {
        // A NaN's sign is the machine's business.
        if x.is_nan() || y.is_nan() {
            return None;
        }
        let result = match i.op {
            Op::FAdd => x + y,
            Op::FSub => x - y,
            Op::FMul => x * y,
            Op::FDiv => x / y,
            _ => return None,
        };
        return if result.is_nan() { None } else { float(result) };
    }
    match (i.op, w.new.int_of(a), w.new.float_of(a)) {
        (Op::IntToFloat, Some(x), _) => float(x as f64),
        (Op::FloatFromBits, Some(x), _) => Some(Constant::Float(x as u64)),
        (Op::FloatBits, _, Some(x)) => Some(Constant::Int(x.to_bits() as i64)),
        (Op::FNeg, _, Some(x)) => float(-x),
        (Op::FAbs, _, Some(x)) => float(x.abs()),
        _ => None,
    }
}
