//! Table access and construction.

use super::op;
use crate::machine::Flow::{Next, Slow as ToSlow};
use crate::machine::{Machine, Slow};

/// The integer of a key; floats with an integer's value mean that (manual §2.1).
#[inline(always)]
fn index<M: Machine>(m: &mut M, key: M::Value) -> Option<M::Integer> {
    if m.is_integer(key) {
        return Some(m.as_integer(key));
    }
    if m.is_float(key) {
        let key = m.as_float(key);
        return m.float_to_integer(key);
    }
    None
}

op! {
    /// `R[A] := U[B][K[C]]`
    get_upvalue_field(m, i) {
        let u = m.upvalue(i.bn());
        if m.is_table(u) {
            let t = m.as_table(u);
            if let Some(v) = m.field(t) {
                m.set(i.a(), v);
                m.skip_word();
                return Next;
            }
        }
        ToSlow(Slow::Index)
    }
    /// `U[A][K[B]] := R[C]`
    set_upvalue_field(m, i) {
        let u = m.upvalue(i.an());
        if m.is_table(u) {
            let t = m.as_table(u);
            let v = m.get(i.c());
            if m.set_field(t, v) {
                m.skip_word();
                return Next;
            }
        }
        ToSlow(Slow::SetIndex)
    }
    /// `R[A] := R[B][R[C]]`
    get_index(m, i) {
        let b = m.get(i.b());
        let c = m.get(i.c());
        if m.is_table(b) {
            let t = m.as_table(b);
            if let Some(n) = index(m, c)
                && let Some(v) = m.element(t, n)
            {
                m.set(i.a(), v);
                return Next;
            }
            if let Some(v) = m.find_key(t, c) {
                m.set(i.a(), v);
                return Next;
            }
        }
        ToSlow(Slow::Index)
    }
    /// `R[A] := R[B][C]`
    get_int(m, i) {
        let b = m.get(i.b());
        if m.is_table(b) {
            let t = m.as_table(b);
            let n = m.static_integer(i.cn() as i64);
            if let Some(v) = m.element(t, n) {
                m.set(i.a(), v);
                return Next;
            }
        }
        ToSlow(Slow::Index)
    }
    /// `R[A] := R[B][K[C]]`
    get_field(m, i) {
        let b = m.get(i.b());
        if m.is_table(b) {
            let t = m.as_table(b);
            if let Some(v) = m.field(t) {
                m.set(i.a(), v);
                m.skip_word();
                return Next;
            }
        }
        ToSlow(Slow::Index)
    }
    /// `R[A+1] := R[B]; R[A] := R[B][K[C]]`
    method(m, i) {
        let b = m.get(i.b());
        if m.is_table(b) {
            let t = m.as_table(b);
            if let Some(v) = m.field(t) {
                m.set(i.a().plus(1), b);
                m.set(i.a(), v);
                m.skip_word();
                return Next;
            }
        } else if m.is_string(b)
            && let Some(v) = m.string_method()
        {
            m.set(i.a().plus(1), b);
            m.set(i.a(), v);
            m.skip_word();
            return Next;
        }
        ToSlow(Slow::Index)
    }
    /// `R[A][R[B]] := R[C]`
    set_index(m, i) {
        let a = m.get(i.a());
        let b = m.get(i.b());
        if m.is_table(a) {
            let t = m.as_table(a);
            let v = m.get(i.c());
            if let Some(n) = index(m, b)
                && m.set_element(t, n, v)
            {
                return Next;
            }
            if m.store_key(t, b, v) {
                return Next;
            }
        }
        ToSlow(Slow::SetIndex)
    }
    /// `R[A][R[B]] := K[C]`
    set_index_const(m, i) {
        let a = m.get(i.a());
        let b = m.get(i.b());
        if m.is_table(a) {
            let t = m.as_table(a);
            let v = m.constant(i.ck());
            if let Some(n) = index(m, b)
                && m.set_element(t, n, v)
            {
                return Next;
            }
            if m.store_key(t, b, v) {
                return Next;
            }
        }
        ToSlow(Slow::SetIndex)
    }
    /// `R[A][B] := R[C]`
    set_int(m, i) {
        let a = m.get(i.a());
        if m.is_table(a) {
            let t = m.as_table(a);
            let n = m.static_integer(i.bn() as i64);
            let v = m.get(i.c());
            if m.set_element(t, n, v) {
                return Next;
            }
        }
        ToSlow(Slow::SetIndex)
    }
    /// `R[A][K[B]] := R[C]`
    set_field(m, i) {
        let a = m.get(i.a());
        if m.is_table(a) {
            let t = m.as_table(a);
            let v = m.get(i.c());
            if m.set_field(t, v) {
                m.skip_word();
                return Next;
            }
        }
        ToSlow(Slow::SetIndex)
    }
    /// `R[A][K[B]] := K[C]`
    set_field_const(m, i) {
        let a = m.get(i.a());
        if m.is_table(a) {
            let t = m.as_table(a);
            let v = m.constant(i.ck());
            if m.set_field(t, v) {
                m.skip_word();
                return Next;
            }
        }
        ToSlow(Slow::SetIndex)
    }
    /// `R[A] := {}`
    new_table(m, i) {
        if m.new_table(i.a(), i.bn(), i.cn()) { Next } else { ToSlow(Slow::Construct) }
    }
    /// Stores list items.
    set_list(m, i) {
        if m.set_list(i.a(), i.bn()) {
            m.skip_word();
            return Next;
        }
        ToSlow(Slow::Construct)
    }
}
