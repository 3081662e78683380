//! Comparisons beyond two numbers of the same kind (manual §3.4.4, §2.4).

use super::{branch_kind, call_metamethod, constant, current, current_opcode, register};
use crate::call::Next;
use crate::debug;
use crate::error::Result;
use crate::metatable::{Event, metamethod};
use crate::string::LuaString;
use crate::value::{self, Value, View};
use crate::vm::Vm;
use perilune_frontend::bytecode::instruction::FLAG_FLOAT;
use perilune_frontend::bytecode::opcode::{Opcode, Operand};
use perilune_frontend::number::{self, Number};
use std::cmp::Ordering;

/// What a comparing opcode asks.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// How the operands should relate.
    pub relation: Relation,
    /// Whether B stands on the left (`>` and `>=` with an immediate).
    pub swapped: bool,
    /// The outcome that jumps.
    pub sense: bool,
}

/// A relation of two operands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Relation {
    /// `==`
    Equal,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
}

/// What a comparison asks.
pub fn question(op: Opcode) -> Question {
    use Opcode::*;
    let (relation, swapped, sense) = match op {
        JumpEq | JumpEqConst | JumpEqInt => (Relation::Equal, false, true),
        JumpNotEq | JumpNotEqConst | JumpNotEqInt => (Relation::Equal, false, false),
        JumpLt | JumpLtInt => (Relation::Less, false, true),
        JumpNotLt | JumpNotLtInt => (Relation::Less, false, false),
        JumpLe | JumpLeInt => (Relation::LessOrEqual, false, true),
        JumpNotLe | JumpNotLeInt => (Relation::LessOrEqual, false, false),
        JumpGtInt => (Relation::Less, true, true),
        JumpNotGtInt => (Relation::Less, true, false),
        JumpGeInt => (Relation::LessOrEqual, true, true),
        _ => (Relation::LessOrEqual, true, false),
    };
    Question {
        relation,
        swapped,
        sense,
    }
}

pub(super) unsafe fn compare(vm: *mut Vm) -> Result<Next> {
    // SAFETY: the slow path's contract.
    unsafe {
        let i = current(vm);
        let op = current_opcode(vm);
        let asked = question(op);
        let a = *register(vm, i.a());
        let b = match op.operands()[1] {
            Operand::Read => *register(vm, i.b()),
            Operand::Constant => *constant(vm, i.bk()),
            _ if i.flags() & FLAG_FLOAT != 0 => Value::float(i.bi() as f64),
            _ => Value::integer(i.bi()),
        };
        let (left, right) = if asked.swapped { (b, a) } else { (a, b) };
        let outcome = match asked.relation {
            Relation::Equal => {
                let equal = equals_raw(left, right);
                if equal || left.tag != right.tag {
                    Some(equal)
                } else {
                    None
                }
            }
            Relation::Less => less_values(left, right),
            Relation::LessOrEqual => less_or_equal_values(left, right),
        };
        if let Some(outcome) = outcome {
            return Ok(branch(vm, outcome == asked.sense));
        }
        let function = match asked.relation {
            Relation::Equal => {
                if left.tag != value::TABLE && left.tag != value::USERDATA {
                    return Ok(branch(vm, !asked.sense));
                }
                first_metamethod(vm, Event::Eq, left, right)
            }
            Relation::Less => first_metamethod(vm, Event::Lt, left, right),
            Relation::LessOrEqual => first_metamethod(vm, Event::Le, left, right),
        };
        if function.is_nil() {
            if asked.relation == Relation::Equal {
                return Ok(branch(vm, !asked.sense));
            }
            return Err(debug::compare_error(&mut *vm, left, right));
        }
        let kind = branch_kind(asked.sense);
        Ok(call_metamethod(vm, function, &[left, right], kind))
    }
}

unsafe fn first_metamethod(vm: *mut Vm, event: Event, left: Value, right: Value) -> Value {
    // SAFETY: both values are live.
    unsafe {
        let function = metamethod(&*vm, left, event);
        if function.is_nil() {
            metamethod(&*vm, right, event)
        } else {
            function
        }
    }
}

unsafe fn branch(vm: *mut Vm, taken: bool) -> Next {
    // SAFETY: the jump of the current instruction stays within verified code.
    unsafe {
        if taken {
            (*vm).pc = (*vm).pc.offset(current(vm).ci() as isize);
        }
        Next::Continue
    }
}

fn as_number(v: Value) -> Option<Number> {
    match v.view() {
        View::Integer(i) => Some(Number::Integer(i)),
        View::Float(f) => Some(Number::Float(f)),
        _ => None,
    }
}

/// Primitive equality (manual §3.4.4).
pub(crate) fn equals_raw(a: Value, b: Value) -> bool {
    match (a.view(), b.view()) {
        (View::Float(x), View::Float(y)) => x == y,
        // SAFETY: both are live strings.
        (View::String(s), View::String(t)) => unsafe { LuaString::equals(s, t) },
        (View::Integer(i), View::Float(f)) | (View::Float(f), View::Integer(i)) => {
            number::int_eq_float(i, f)
        }
        _ => a.is_identical(b),
    }
}

/// `a < b` without metamethods; `None` for operands that are neither two numbers nor two strings.
pub(crate) fn less_values(a: Value, b: Value) -> Option<bool> {
    if let (Some(x), Some(y)) = (as_number(a), as_number(b)) {
        return Some(number::number_lt(x, y));
    }
    strings(a, b).map(Ordering::is_lt)
}

/// `a <= b`, likewise.
fn less_or_equal_values(a: Value, b: Value) -> Option<bool> {
    if let (Some(x), Some(y)) = (as_number(a), as_number(b)) {
        return Some(number::number_le(x, y));
    }
    strings(a, b).map(Ordering::is_le)
}

/// Order of two strings: bytewise, as in the C locale.
fn strings(a: Value, b: Value) -> Option<Ordering> {
    match (a.view(), b.view()) {
        // SAFETY: both are live strings.
        (View::String(s), View::String(t)) => unsafe {
            Some(LuaString::as_bytes(s).cmp(LuaString::as_bytes(t)))
        },
        _ => None,
    }
}
