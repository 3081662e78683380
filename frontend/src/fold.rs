//! Constant folding, for the compiler and for the values of `<const>` locals.
//!
//! The rules are PUC's: only numbers are folded; nothing is folded that would raise an error, nor
//! a division by zero, nor what gives NaN or a zero float (whose sign matters).

use crate::ast::{BinaryOp, ConstantValue, UnaryOp};
use crate::number::{
    Number, float_floor_div, float_mod, float_pow, int_floor_div, int_floor_mod, shift_left,
    shift_right,
};

/// The value of `a op b`, if it is to be folded. Logical operators, comparisons and concatenation
/// never are.
pub fn fold_binary(op: BinaryOp, a: ConstantValue, b: ConstantValue) -> Option<ConstantValue> {
    checked(binary(op, number_of(a)?, number_of(b)?)?)
}

/// The value of `op a`, if it is to be folded. `not` folds for every constant; `#` never does.
pub fn fold_unary(op: UnaryOp, a: ConstantValue) -> Option<ConstantValue> {
    match op {
        UnaryOp::Not => Some(ConstantValue::Boolean(matches!(
            a,
            ConstantValue::Nil | ConstantValue::Boolean(false)
        ))),
        UnaryOp::Len => None,
        UnaryOp::Neg => checked(match number_of(a)? {
            Number::Integer(integer) => Number::Integer(integer.wrapping_neg()),
            Number::Float(float) => Number::Float(-float),
        }),
        UnaryOp::BNot => checked(Number::Integer(!number_of(a)?.to_integer()?)),
    }
}

fn number_of(constant: ConstantValue) -> Option<Number> {
    match constant {
        ConstantValue::Integer(integer) => Some(Number::Integer(integer)),
        ConstantValue::Float(float) => Some(Number::Float(float)),
        _ => None,
    }
}

fn checked(result: Number) -> Option<ConstantValue> {
    match result {
        Number::Integer(integer) => Some(ConstantValue::Integer(integer)),
        Number::Float(float) if float.is_nan() || float == 0.0 => None,
        Number::Float(float) => Some(ConstantValue::Float(float)),
    }
}

fn binary(op: BinaryOp, a: Number, b: Number) -> Option<Number> {
    use BinaryOp::*;
    match op {
        Add => arithmetic(a, b, |a, b| Some(a.wrapping_add(b)), |a, b| a + b),
        Sub => arithmetic(a, b, |a, b| Some(a.wrapping_sub(b)), |a, b| a - b),
        Mul => arithmetic(a, b, |a, b| Some(a.wrapping_mul(b)), |a, b| a * b),
        Mod if b.to_float() != 0.0 => arithmetic(a, b, int_floor_mod, float_mod),
        IDiv if b.to_float() != 0.0 => arithmetic(a, b, int_floor_div, float_floor_div),
        Div if b.to_float() != 0.0 => Some(Number::Float(a.to_float() / b.to_float())),
        Pow => Some(Number::Float(float_pow(a.to_float(), b.to_float()))),
        BAnd => bitwise(a, b, |a, b| a & b),
        BOr => bitwise(a, b, |a, b| a | b),
        BXor => bitwise(a, b, |a, b| a ^ b),
        Shl => bitwise(a, b, shift_left),
        Shr => bitwise(a, b, shift_right),
        _ => None,
    }
}

fn arithmetic(
    a: Number,
    b: Number,
    of_integers: fn(i64, i64) -> Option<i64>,
    of_floats: fn(f64, f64) -> f64,
) -> Option<Number> {
    match (a, b) {
        (Number::Integer(a), Number::Integer(b)) => of_integers(a, b).map(Number::Integer),
        _ => Some(Number::Float(of_floats(a.to_float(), b.to_float()))),
    }
}

fn bitwise(a: Number, b: Number, operation: fn(i64, i64) -> i64) -> Option<Number> {
    Some(Number::Integer(operation(a.to_integer()?, b.to_integer()?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ConstantValue::{Boolean, Float, Integer, Nil};

    #[test]
    fn folds_as_puc() {
        assert_eq!(
            fold_binary(BinaryOp::Add, Integer(1), Integer(2)),
            Some(Integer(3))
        );
        assert_eq!(
            fold_binary(BinaryOp::Div, Integer(1), Integer(2)),
            Some(Float(0.5))
        );
        assert_eq!(
            fold_binary(BinaryOp::BOr, Float(2.0), Integer(1)),
            Some(Integer(3))
        );
        assert_eq!(
            fold_binary(BinaryOp::Pow, Integer(2), Integer(2)),
            Some(Float(4.0))
        );
        assert_eq!(
            fold_unary(UnaryOp::Neg, Integer(i64::MIN)),
            Some(Integer(i64::MIN))
        );
        assert_eq!(fold_unary(UnaryOp::Not, Nil), Some(Boolean(true)));
    }

    #[test]
    fn leaves_errors_zeros_and_nan() {
        for (op, a, b) in [
            (BinaryOp::IDiv, Integer(1), Integer(0)),
            (BinaryOp::Mod, Float(1.0), Float(0.0)),
            (BinaryOp::Div, Integer(1), Integer(0)),
            (BinaryOp::BAnd, Float(1.5), Integer(1)),
            (BinaryOp::Sub, Float(1.0), Float(1.0)),
            (BinaryOp::Sub, Float(f64::INFINITY), Float(f64::INFINITY)),
            (BinaryOp::Lt, Integer(1), Integer(2)),
            (BinaryOp::Concat, Integer(1), Integer(2)),
        ] {
            assert_eq!(fold_binary(op, a, b), None, "{op:?}");
        }
        assert_eq!(fold_unary(UnaryOp::Neg, Float(0.0)), None);
        assert_eq!(fold_unary(UnaryOp::Len, Nil), None);
    }
}
