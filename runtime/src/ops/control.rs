//! Jumps, loops, calls and returns.

use super::op;
use crate::machine::Flow::{Next, Slow as ToSlow};
use crate::machine::Slow;

op! {
    /// `pc += BC`
    jump(m, i) {
        m.jump(i.bci());
        Next
    }
    /// A back-edge: polls, then jumps.
    loop_(m, i) {
        if m.at_back_edge() {
            return ToSlow(Slow::Poll);
        }
        m.jump(i.bci());
        Next
    }
    /// Prepares a numeric loop (manual §3.3.5): R[A+1] becomes the count of iterations left.
    for_prep(m, i) {
        let (start, limit, step) = (m.get(i.a()), m.get(i.a().plus(1)), m.get(i.a().plus(2)));
        if m.both_integers(start, limit) && m.is_integer(step) {
            let (x, l, s) = (m.as_integer(start), m.as_integer(limit), m.as_integer(step));
            let zero = m.static_integer(0);
            if m.integer_eq(s, zero) {
                return ToSlow(Slow::Other);
            }
            match m.for_count(x, l, s) {
                Some(count) => {
                    m.set_integer(i.a().plus(1), count);
                    m.set_integer(i.a().plus(3), x);
                }
                None => m.jump(i.bci()),
            }
            return Next;
        }
        ToSlow(Slow::Other)
    }
    /// The back-edge of a numeric loop.
    for_loop(m, i) {
        let step = m.get(i.a().plus(2));
        if m.is_integer(step) {
            let count = m.get(i.a().plus(1));
            let count = m.as_integer(count);
            let zero = m.static_integer(0);
            if m.integer_eq(count, zero) {
                m.skip_word();
                return Next;
            }
            if m.at_back_edge() {
                return ToSlow(Slow::Poll);
            }
            let one = m.static_integer(1);
            let left = m.integer_sub(count, one);
            let x = m.get(i.a());
            let (x, s) = (m.as_integer(x), m.as_integer(step));
            let x = m.integer_add(x, s);
            m.set_integer(i.a().plus(1), left);
            m.set_integer(i.a(), x);
            m.set_integer(i.a().plus(3), x);
            m.jump(i.bci());
            return Next;
        }
        ToSlow(Slow::Poll)
    }
    /// Marks the closing value of a generic loop and jumps to its call.
    generic_for_prep(m, i) {
        let closing = m.get(i.a().plus(3));
        if m.is_nil(closing) {
            m.jump(i.bci());
            return Next;
        }
        ToSlow(Slow::GenericFor)
    }
    /// Calls the iterator.
    generic_for_call(m, i) {
        if m.iterate(i.a(), i.bn()) {
            m.skip_word();
            return Next;
        }
        ToSlow(Slow::GenericFor)
    }
    /// The back-edge of a generic loop.
    generic_for_loop(m, i) {
        let control = m.get(i.a().plus(4));
        if m.is_nil(control) {
            m.skip_word();
            return Next;
        }
        if m.at_back_edge() {
            return ToSlow(Slow::Poll);
        }
        m.set(i.a().plus(2), control);
        m.jump(i.bci());
        Next
    }
    /// A call.
    call(m, i) {
        let f = m.get(i.a());
        if m.is_lua_closure(f) && !m.must_poll() {
            let closure = m.as_closure(f);
            if m.enter(closure, i.a(), i.bn().wrapping_sub(1)) {
                m.at_entry();
                return Next;
            }
        } else if m.call_native(f, i.a(), i.bn().wrapping_sub(1)) {
            m.skip_word();
            return Next;
        }
        ToSlow(Slow::Call)
    }
    /// A tail call.
    tail_call(m, i) {
        let f = m.get(i.a());
        if m.tail_call(f, i.a(), i.bn().wrapping_sub(1)) { Next } else { ToSlow(Slow::Call) }
    }
    /// `return R[A], ..., R[A+B-2]`
    return_(m, i) {
        let n = i.bn();
        if n != 0 && m.leave_with(i.a(), n - 1) { Next } else { ToSlow(Slow::Return) }
    }
    /// `return`
    return0(m, i) {
        if m.leave(None) || m.leave_with(i.a(), 0) { Next } else { ToSlow(Slow::Return) }
    }
    /// `return R[A]`
    return1(m, i) {
        let v = m.get(i.a());
        if m.leave(Some(v)) || m.leave_with(i.a(), 1) { Next } else { ToSlow(Slow::Return) }
    }
    /// Closes pending variables, then returns.
    return_close(_m, _i) { ToSlow(Slow::Return) }
    /// Copies variable arguments.
    var_arg(_m, _i) { ToSlow(Slow::Other) }
    /// Nothing: the call has moved the arguments.
    var_arg_prep(_m, _i) { Next }
    /// Marks a variable to be closed.
    mark_close(_m, _i) { ToSlow(Slow::Other) }
    /// Closes variables.
    close(m, _i) {
        if m.nothing_to_close() { Next } else { ToSlow(Slow::Other) }
    }
    /// Concatenates.
    concat(m, i) {
        if m.concat(i.a(), i.bn()) { Next } else { ToSlow(Slow::Concat) }
    }
    /// Makes a closure.
    closure(m, i) {
        if m.new_closure(i.a(), i.bci() as usize) { Next } else { ToSlow(Slow::Construct) }
    }
}
