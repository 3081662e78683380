//! Arithmetic and bitwise operations, `not` and `#`.

use super::op;
use crate::machine::Flow::{Next, Slow as ToSlow};
use crate::machine::Slow;

/// One operand float, the other integer: converted; else the slow path.
macro_rules! mixed {
    ($m:ident, $i:ident, $b:ident, $c:ident, $float:ident) => {{
        if $m.is_float($b) && $m.is_integer($c) {
            let x = $m.as_float($b);
            let y = $m.as_integer($c);
            let y = $m.integer_to_float(y);
            let r = $m.$float(x, y);
            $m.set_float($i.a(), r);
            Next
        } else if $m.is_integer($b) && $m.is_float($c) {
            let x = $m.as_integer($b);
            let x = $m.integer_to_float(x);
            let y = $m.as_float($c);
            let r = $m.$float(x, y);
            $m.set_float($i.a(), r);
            Next
        } else {
            ToSlow(Slow::Arithmetic)
        }
    }};
}

/// `+ - *`: integer or float by the operands (manual §3.4.1).
macro_rules! both_kinds {
    ($($(#[$doc:meta])* $name:ident, $integer:ident, $float:ident, $read:ident, $operand:ident;)*) => {
        op! { $(
            $(#[$doc])*
            $name(m, i) {
                let b = m.get(i.b());
                let c = m.$read(i.$operand());
                if m.both_integers(b, c) {
                    let (x, y) = (m.as_integer(b), m.as_integer(c));
                    let r = m.$integer(x, y);
                    m.set_integer(i.a(), r);
                    Next
                } else if m.both_floats(b, c) {
                    let (x, y) = (m.as_float(b), m.as_float(c));
                    let r = m.$float(x, y);
                    m.set_float(i.a(), r);
                    Next
                } else {
                    mixed!(m, i, b, c, $float)
                }
            }
        )* }
    };
}

both_kinds! {
    /// `R[A] := R[B] + R[C]`
    add, integer_add, float_add, get, c;
    /// `R[A] := R[B] - R[C]`
    sub, integer_sub, float_sub, get, c;
    /// `R[A] := R[B] * R[C]`
    mul, integer_mul, float_mul, get, c;
    /// `R[A] := R[B] + K[C]`
    add_const, integer_add, float_add, constant, ck;
    /// `R[A] := R[B] * K[C]`
    mul_const, integer_mul, float_mul, constant, ck;
}

op! {
    /// `R[A] := R[B] - K[C]`. In the reference implementation a float minus a small integer constant
    /// is the float plus the constant's negation, so `-0.0 - 0` is 0.0: the only difference whose
    /// sign that changes. The negation of a float zero would be -0.0, hence the subtraction from 0.0, which
    /// machine code has as a constant.
    sub_const(m, i) {
        let b = m.get(i.b());
        let c = m.constant(i.ck());
        if m.both_integers(b, c) {
            let (x, y) = (m.as_integer(b), m.as_integer(c));
            let r = m.integer_sub(x, y);
            m.set_integer(i.a(), r);
            Next
        } else if m.both_floats(b, c) {
            let (x, y) = (m.as_float(b), m.as_float(c));
            let r = m.float_sub(x, y);
            m.set_float(i.a(), r);
            Next
        } else if m.is_float(b) && m.is_integer(c) {
            let (x, y) = (m.as_float(b), m.as_integer(c));
            let y = m.integer_to_float(y);
            let zero = m.static_float(0.0);
            let negated = m.float_sub(zero, y);
            let r = m.float_add(x, negated);
            m.set_float(i.a(), r);
            Next
        } else {
            mixed!(m, i, b, c, float_sub)
        }
    }
}

/// `% //`: as above, with an integer division that can fail.
macro_rules! divisions {
    ($($(#[$doc:meta])* $name:ident, $integer:ident, $float:ident, $read:ident, $operand:ident;)*) => {
        op! { $(
            $(#[$doc])*
            $name(m, i) {
                let b = m.get(i.b());
                let c = m.$read(i.$operand());
                if m.both_integers(b, c) {
                    let (x, y) = (m.as_integer(b), m.as_integer(c));
                    if let Some(r) = m.$integer(x, y) {
                        m.set_integer(i.a(), r);
                        return Next;
                    }
                    ToSlow(Slow::Arithmetic)
                } else if m.both_floats(b, c) {
                    let (x, y) = (m.as_float(b), m.as_float(c));
                    let r = m.$float(x, y);
                    m.set_float(i.a(), r);
                    Next
                } else {
                    mixed!(m, i, b, c, $float)
                }
            }
        )* }
    };
}
divisions! {
    /// `R[A] := R[B] % R[C]`
    mod_, integer_mod, float_mod, get, c;
    /// `R[A] := R[B] // R[C]`
    idiv, integer_floor_div, float_floor_div, get, c;
    /// `R[A] := R[B] % K[C]`
    mod_const, integer_mod, float_mod, constant, ck;
    /// `R[A] := R[B] // K[C]`
    idiv_const, integer_floor_div, float_floor_div, constant, ck;
}

/// `/ ^`: always float.
macro_rules! float_only {
    ($($(#[$doc:meta])* $name:ident, $float:ident, $read:ident, $operand:ident;)*) => {
        op! { $(
            $(#[$doc])*
            $name(m, i) {
                let b = m.get(i.b());
                let c = m.$read(i.$operand());
                if m.both_floats(b, c) {
                    let (x, y) = (m.as_float(b), m.as_float(c));
                    let r = m.$float(x, y);
                    m.set_float(i.a(), r);
                    Next
                } else if m.both_integers(b, c) {
                    let (x, y) = (m.as_integer(b), m.as_integer(c));
                    let (x, y) = (m.integer_to_float(x), m.integer_to_float(y));
                    let r = m.$float(x, y);
                    m.set_float(i.a(), r);
                    Next
                } else {
                    mixed!(m, i, b, c, $float)
                }
            }
        )* }
    };
}
float_only! {
    /// `R[A] := R[B] / R[C]`
    div, float_div, get, c;
    /// `R[A] := R[B] / K[C]`
    div_const, float_div, constant, ck;
    /// `R[A] := R[B] ^ R[C]`
    pow, float_pow, get, c;
    /// `R[A] := R[B] ^ K[C]`
    pow_const, float_pow, constant, ck;
}
/// Bitwise operations on two integers; others take the slow path (manual §3.4.2).
macro_rules! bitwise {
    ($($(#[$doc:meta])* $name:ident, $integer:ident, $read:ident, $operand:ident;)*) => {
        op! { $(
            $(#[$doc])*
            $name(m, i) {
                let b = m.get(i.b());
                let c = m.$read(i.$operand());
                if m.both_integers(b, c) {
                    let (x, y) = (m.as_integer(b), m.as_integer(c));
                    let r = m.$integer(x, y);
                    m.set_integer(i.a(), r);
                    Next
                } else {
                    ToSlow(Slow::Arithmetic)
                }
            }
        )* }
    };
}
bitwise! {
    /// `R[A] := R[B] & R[C]`
    band, integer_and, get, c;
    /// `R[A] := R[B] | R[C]`
    bor, integer_or, get, c;
    /// `R[A] := R[B] ~ R[C]`
    bxor, integer_xor, get, c;
    /// `R[A] := R[B] << R[C]`
    shl, integer_shl, get, c;
    /// `R[A] := R[B] >> R[C]`
    shr, integer_shr, get, c;
    /// `R[A] := R[B] & K[C]`
    band_const, integer_and, constant, ck;
    /// `R[A] := R[B] | K[C]`
    bor_const, integer_or, constant, ck;
    /// `R[A] := R[B] ~ K[C]`
    bxor_const, integer_xor, constant, ck;
    /// `R[A] := R[B] << K[C]`
    shl_const, integer_shl, constant, ck;
    /// `R[A] := R[B] >> K[C]`
    shr_const, integer_shr, constant, ck;
}

op! {
    /// `R[A] := R[B] + immediate`
    add_int(m, i) {
        let b = m.get(i.b());
        if m.is_integer(b) {
            let x = m.as_integer(b);
            let y = m.static_integer(i.ci());
            let r = m.integer_add(x, y);
            m.set_integer(i.a(), r);
            Next
        } else if m.is_float(b) {
            let x = m.as_float(b);
            let y = m.static_float(i.ci() as f64);
            let r = m.float_add(x, y);
            m.set_float(i.a(), r);
            Next
        } else {
            ToSlow(Slow::Arithmetic)
        }
    }
    /// `R[A] := -R[B]`
    unm(m, i) {
        let b = m.get(i.b());
        if m.is_integer(b) {
            let x = m.as_integer(b);
            let zero = m.static_integer(0);
            let r = m.integer_sub(zero, x);
            m.set_integer(i.a(), r);
            Next
        } else if m.is_float(b) {
            let x = m.as_float(b);
            let r = m.float_neg(x);
            m.set_float(i.a(), r);
            Next
        } else {
            ToSlow(Slow::Arithmetic)
        }
    }
    /// `R[A] := ~R[B]`
    bnot(m, i) {
        let b = m.get(i.b());
        if m.is_integer(b) {
            let x = m.as_integer(b);
            let ones = m.static_integer(-1);
            let r = m.integer_xor(x, ones);
            m.set_integer(i.a(), r);
            Next
        } else {
            ToSlow(Slow::Arithmetic)
        }
    }
    /// `R[A] := not R[B]`
    not(m, i) {
        let b = m.get(i.b());
        let truthy = m.is_truthy(b);
        m.set_boolean(i.a(), !truthy);
        Next
    }
    /// `R[A] := #R[B]`
    len(m, i) {
        let b = m.get(i.b());
        if m.is_table(b) {
            let t = m.as_table(b);
            if let Some(n) = m.length(t) {
                m.set_integer(i.a(), n);
                return Next;
            }
        }
        ToSlow(Slow::Arithmetic)
    }
}
