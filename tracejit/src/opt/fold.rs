//! Computes operations on constants, and simplifies others by rules that are exact.
//!
//! Integers wrap around as the language's do. Floats follow IEEE 754: only what holds for every
//! value, zeros of both signs, infinities and NaN included, is used; of a NaN the sign is kept, and
//! whether it signals.

use super::rewrite::Rewriter;
use crate::ir::compute::{pure, pure_helper};
use crate::ir::{Constant, Helper, Instruction, Op, Ref, Type};

/// Whether the operands of an operation may be exchanged. Not those of float operations: of two
/// NaNs the first comes out.
pub(super) fn commutes(op: Op) -> bool {
    matches!(op, Op::Add | Op::Mul | Op::And | Op::Or | Op::Xor)
}

/// The simpler form of an operation without effect, if there is one.
pub(super) fn fold(w: &mut Rewriter, i: &Instruction) -> Option<Ref> {
    let [a, b, _] = i.args;
    if a.is_constant() || b.is_constant() {
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
        // As `float_pow` itself has it.
        Op::CallFloat if i.helper() == Some(Helper::FloatPow) && w.new.float_of(b) == Some(2.0) => {
            Some(w.pure(Instruction::new(Op::FMul, 0, &[a, a])))
        }
        Op::FMul if w.new.float_of(b) == Some(1.0) && is_quiet(w, a) => Some(a),
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

/// Whether a value was computed by an operation that turns a NaN that signals into one that does
/// not.
fn is_quiet(w: &Rewriter, r: Ref) -> bool {
    use Op::{FAdd, FDiv, FMul, FSqrt, FSub, IntToFloat};
    let op = r.as_instruction().map(|n| w.new.code[n].op);
    matches!(op, Some(FAdd | FSub | FMul | FDiv | FSqrt | IntToFloat))
}

/// The result of an operation on constants.
fn constant_result(w: &Rewriter, i: &Instruction) -> Option<Constant> {
    let bits = |r: Ref| match w.new.constant_of(r) {
        Some(Constant::Vm) => None,
        Some(constant) => Some(constant.bits()),
        None => (r == Ref::NONE).then_some(0),
    };
    let (a, b) = (bits(i.args[0])?, bits(i.args[1])?);
    let result = match i.op {
        Op::CallInt | Op::CallFloat => pure_helper(*Helper::ALL.get(i.imm as usize)?, a, b)?,
        op => pure(op, a, b)?,
    };
    if i.op.result() == Type::Int {
        return Some(Constant::Int(result as i64));
    }
    // A NaN's sign is the machine's business, where it is not plain.
    let is_plain = matches!(i.op, Op::FNeg | Op::FAbs | Op::FloatFromBits);
    (is_plain || !f64::from_bits(result).is_nan()).then_some(Constant::Float(result))
}
