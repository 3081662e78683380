//! Jumps on comparisons and on truth.

use super::op;
use crate::machine::Flow::{Next, Slow as ToSlow};
use crate::machine::{Machine, Slow};

/// An integer and a float as floats, if the integer has an exact float; what other integers are
/// compared with takes more than a comparison of floats.
#[inline(always)]
fn mixed_floats<M: Machine>(m: &mut M, a: M::Value, b: M::Value) -> Option<(M::Float, M::Float)> {
    if m.is_integer(a) && m.is_float(b) {
        let a = m.as_integer(a);
        return Some((exact_float(m, a)?, m.as_float(b)));
    }
    if m.is_float(a) && m.is_integer(b) {
        let b = m.as_integer(b);
        return Some((m.as_float(a), exact_float(m, b)?));
    }
    None
}

/// The float that has an integer's value, if there is one. Of integers of 32 bits every one has, and
/// to see that they are is all that a trace needs.
#[inline(always)]
fn exact_float<M: Machine>(m: &mut M, i: M::Integer) -> Option<M::Float> {
    let float = m.integer_to_float(i);
    let least = m.static_integer(i64::from(i32::MIN));
    let greatest = m.static_integer(i64::from(i32::MAX));
    if m.integer_le(least, i) && m.integer_le(i, greatest) {
        return Some(float);
    }
    let back = m.float_to_integer(float)?;
    m.integer_eq(back, i).then_some(float)
}

/// Order comparisons of two registers; `$sense` is the outcome that jumps.
macro_rules! orders {
    ($($(#[$doc:meta])* $name:ident, $integer:ident, $float:ident, $sense:literal;)*) => {
        op! { $(
            $(#[$doc])*
            $name(m, i) {
                let a = m.get(i.a());
                let b = m.get(i.b());
                if m.both_integers(a, b) {
                    let (x, y) = (m.as_integer(a), m.as_integer(b));
                    let r = m.$integer(x, y);
                    m.branch(r == $sense);
                    Next
                } else if m.both_floats(a, b) {
                    let (x, y) = (m.as_float(a), m.as_float(b));
                    let r = m.$float(x, y);
                    m.branch(r == $sense);
                    Next
                } else if let Some((x, y)) = mixed_floats(m, a, b) {
                    let r = m.$float(x, y);
                    m.branch(r == $sense);
                    Next
                } else {
                    ToSlow(Slow::Compare)
                }
            }
        )* }
    };
}
orders! {
    /// `if R[A] < R[B] then jump`
    jump_lt, integer_lt, float_lt, true;
    /// `if not (R[A] < R[B]) then jump`
    jump_not_lt, integer_lt, float_lt, false;
    /// `if R[A] <= R[B] then jump`
    jump_le, integer_le, float_le, true;
    /// `if not (R[A] <= R[B]) then jump`
    jump_not_le, integer_le, float_le, false;
}

/// Comparisons with an immediate; `$swap` puts the immediate on the left.
macro_rules! immediates {
    ($($(#[$doc:meta])* $name:ident, $integer:ident, $float:ident, $swap:literal, $sense:literal;)*) => {
        op! { $(
            $(#[$doc])*
            $name(m, i) {
                let a = m.get(i.a());
                if m.is_integer(a) {
                    let x = m.as_integer(a);
                    let y = m.static_integer(i.bi());
                    let r = if $swap { m.$integer(y, x) } else { m.$integer(x, y) };
                    m.branch(r == $sense);
                    Next
                } else if m.is_float(a) {
                    let x = m.as_float(a);
                    let y = m.static_float(i.bi() as f64);
                    let r = if $swap { m.$float(y, x) } else { m.$float(x, y) };
                    m.branch(r == $sense);
                    Next
                } else {
                    ToSlow(Slow::Compare)
                }
            }
        )* }
    };
}
immediates! {
    /// `if R[A] < B then jump`
    jump_lt_int, integer_lt, float_lt, false, true;
    /// `if not (R[A] < B) then jump`
    jump_not_lt_int, integer_lt, float_lt, false, false;
    /// `if R[A] <= B then jump`
    jump_le_int, integer_le, float_le, false, true;
    /// `if not (R[A] <= B) then jump`
    jump_not_le_int, integer_le, float_le, false, false;
    /// `if R[A] > B then jump`
    jump_gt_int, integer_lt, float_lt, true, true;
    /// `if not (R[A] > B) then jump`
    jump_not_gt_int, integer_lt, float_lt, true, false;
    /// `if R[A] >= B then jump`
    jump_ge_int, integer_le, float_le, true, true;
    /// `if not (R[A] >= B) then jump`
    jump_not_ge_int, integer_le, float_le, true, false;
}

/// Equality with an immediate: never a metamethod.
macro_rules! equal_immediates {
    ($($(#[$doc:meta])* $name:ident, $sense:literal;)*) => {
        op! { $(
            $(#[$doc])*
            $name(m, i) {
                let a = m.get(i.a());
                let r = if m.is_integer(a) {
                    let x = m.as_integer(a);
                    let y = m.static_integer(i.bi());
                    m.integer_eq(x, y)
                } else if m.is_float(a) {
                    let x = m.as_float(a);
                    let y = m.static_float(i.bi() as f64);
                    m.float_eq(x, y)
                } else {
                    false
                };
                m.branch(r == $sense);
                Next
            }
        )* }
    };
}
equal_immediates! {
    /// `if R[A] == B then jump`
    jump_eq_int, true;
    /// `if R[A] ~= B then jump`
    jump_not_eq_int, false;
}

/// Equality of two values: identical ones are equal unless floats (NaN); different ones of the
/// same kind may still be (floats, long strings, metamethods): slow path.
macro_rules! equalities {
    ($($(#[$doc:meta])* $name:ident, $read:ident, $operand:ident, $sense:literal;)*) => {
        op! { $(
            $(#[$doc])*
            $name(m, i) {
                let a = m.get(i.a());
                let b = m.$read(i.$operand());
                if m.both_floats(a, b) {
                    let (x, y) = (m.as_float(a), m.as_float(b));
                    let r = m.float_eq(x, y);
                    m.branch(r == $sense);
                    return Next;
                }
                if m.is_identical(a, b) {
                    m.branch($sense);
                    return Next;
                }
                if m.same_tag(a, b) && m.is_object(a) {
                    if m.is_string(a) && m.both_interned(a, b) {
                        m.branch(!$sense);
                        return Next;
                    }
                    return ToSlow(Slow::Compare);
                }
                if let Some((x, y)) = mixed_floats(m, a, b) {
                    let r = m.float_eq(x, y);
                    m.branch(r == $sense);
                    return Next;
                }
                if (m.is_float(a) && m.is_integer(b)) || (m.is_integer(a) && m.is_float(b)) {
                    return ToSlow(Slow::Compare);
                }
                m.branch(!$sense);
                Next
            }
        )* }
    };
}
equalities! {
    /// `if R[A] == R[B] then jump`
    jump_eq, get, b, true;
    /// `if R[A] ~= R[B] then jump`
    jump_not_eq, get, b, false;
    /// `if R[A] == K[B] then jump`
    jump_eq_const, constant, bk, true;
    /// `if R[A] ~= K[B] then jump`
    jump_not_eq_const, constant, bk, false;
}

op! {
    /// `if R[A] then jump`
    jump_if(m, i) {
        let a = m.get(i.a());
        if m.is_truthy(a) {
            m.jump(i.bci());
        }
        Next
    }
    /// `if not R[A] then jump`
    jump_if_not(m, i) {
        let a = m.get(i.a());
        if !m.is_truthy(a) {
            m.jump(i.bci());
        }
        Next
    }
    /// `if R[B] then R[A] := R[B]; jump`
    move_jump_if(m, i) {
        let b = m.get(i.b());
        if m.is_truthy(b) {
            m.set(i.a(), b);
            m.branch(true);
        }
        Next
    }
    /// `if not R[B] then R[A] := R[B]; jump`
    move_jump_if_not(m, i) {
        let b = m.get(i.b());
        if !m.is_truthy(b) {
            m.set(i.a(), b);
            m.branch(true);
        }
        Next
    }
}
