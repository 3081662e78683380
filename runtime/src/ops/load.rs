//! Moves, loads, upvalues and cells.

use super::op;
use crate::machine::Flow::{Next, Slow as ToSlow};
use crate::machine::{Constant, Slow};

op! {
    /// `R[A] := R[B]`
    move_(m, i) {
        let v = m.get(i.b());
        m.set(i.a(), v);
        Next
    }
    /// `R[A] := integer`
    load_int(m, i) {
        let v = m.static_integer(i.bci() as i64);
        m.set_integer(i.a(), v);
        Next
    }
    /// `R[A] := float`
    load_float(m, i) {
        let v = m.static_float(i.bci() as f64);
        m.set_float(i.a(), v);
        Next
    }
    /// `R[A] := K`
    load_const(m, i) {
        let v = m.constant(Constant(i.bck().0));
        m.set(i.a(), v);
        Next
    }
    /// `R[A], ..., R[A+B] := nil`
    load_nil(m, i) {
        for n in 0..=i.bn() {
            m.set_nil(i.a().plus(n));
        }
        Next
    }
    /// `R[A] := false`
    load_false(m, i) {
        m.set_boolean(i.a(), false);
        Next
    }
    /// `R[A] := true`
    load_true(m, i) {
        m.set_boolean(i.a(), true);
        Next
    }
    /// `R[A] := U[B]`
    get_upvalue(m, i) {
        let v = m.upvalue(i.bn());
        m.set(i.a(), v);
        Next
    }
    /// `U[B] := R[A]`
    set_upvalue(m, i) {
        let v = m.get(i.a());
        if m.set_upvalue(i.bn(), v) { Next } else { ToSlow(Slow::Construct) }
    }
    /// `R[A] := cell(R[B])`
    new_cell(m, i) {
        let v = m.get(i.b());
        if m.new_cell(i.a(), v) { Next } else { ToSlow(Slow::Construct) }
    }
    /// `R[A] := R[B].value`
    get_cell(m, i) {
        let c = m.get(i.b());
        let v = m.cell_value(c);
        m.set(i.a(), v);
        Next
    }
    /// `R[A].value := R[B]`
    set_cell(m, i) {
        let c = m.get(i.a());
        let v = m.get(i.b());
        if m.set_cell_value(c, v) { Next } else { ToSlow(Slow::Construct) }
    }
}
