//! Arithmetic, bitwise and length operations beyond two numbers of the same kind: conversions,
//! errors, metamethods (manual §3.4.1 to §3.4.3, §2.4).

use super::{call_metamethod, constant, current, current_opcode, register, store_kind};
use crate::call::Next;
use crate::debug;
use crate::error::Result;
use crate::metatable::{Event, metamethod};
use crate::value::{self, Value};
use crate::vm::Vm;
use perilune_frontend::bytecode::instruction::FLAG_SWAPPED;
use perilune_frontend::bytecode::opcode::{Opcode, Operand};
use perilune_frontend::number;

/// The event of an arithmetic or bitwise opcode, or of `#`; `None` for other opcodes.
pub fn event_of(op: Opcode) -> Option<Event> {
    use Opcode::*;
    Some(match op {
        Add | AddConst | AddInt => Event::Add,
        Sub | SubConst => Event::Sub,
        Mul | MulConst => Event::Mul,
        Div | DivConst => Event::Div,
        Mod | ModConst => Event::Mod,
        Pow | PowConst => Event::Pow,
        IDiv | IDivConst => Event::IDiv,
        BAnd | BAndConst => Event::BAnd,
        BOr | BOrConst => Event::BOr,
        BXor | BXorConst => Event::BXor,
        Shl | ShlConst => Event::Shl,
        Shr | ShrConst => Event::Shr,
        Unm => Event::Unm,
        BNot => Event::BNot,
        Len => Event::Len,
        _ => return None,
    })
}

pub(super) unsafe fn arithmetic(vm: *mut Vm) -> Result<Next> {
    // SAFETY: the slow path's contract.
    unsafe {
        let i = current(vm);
        let op = current_opcode(vm);
        let target = register(vm, i.a());
        let left = *register(vm, i.b());
        if op == Opcode::Len {
            return length(vm, left, target, i.a().0);
        }
        let right = match op.operands()[2] {
            Operand::Read => *register(vm, i.c()),
            Operand::Constant => *constant(vm, i.ck()),
            Operand::Immediate => Value::integer(i.ci()),
            // Unary operations have their operand twice, as metamethods see it.
            _ => left,
        };
        let event = event_of(op).unwrap_or(Event::Len);
        let (left, right) = if i.flags() & FLAG_SWAPPED != 0 {
            (right, left)
        } else {
            (left, right)
        };
        match arithmetic_values(&mut *vm, event, left, right)? {
            Some(result) => {
                *target = result;
                Ok(Next::Done)
            }
            None => {
                let function = binary_metamethod(vm, event, left, right);
                if function.is_nil() {
                    return Err(debug::arithmetic_error(&mut *vm, event, left, right));
                }
                Ok(call_metamethod(
                    vm,
                    function,
                    &[left, right],
                    store_kind(i.a().0),
                ))
            }
        }
    }
}

/// The metamethod of the first operand that has one, or nil.
unsafe fn binary_metamethod(vm: *mut Vm, event: Event, left: Value, right: Value) -> Value {
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

unsafe fn length(vm: *mut Vm, v: Value, target: *mut Value, destination: usize) -> Result<Next> {
    // SAFETY: the slow path's contract.
    unsafe {
        let function = if v.tag == value::STRING {
            Value::NIL
        } else {
            metamethod(&*vm, v, Event::Len)
        };
        if !function.is_nil() {
            return Ok(call_metamethod(
                vm,
                function,
                &[v, v],
                store_kind(destination),
            ));
        }
        *target = match v.view() {
            value::View::String(s) => Value::integer((*s).len as i64),
            value::View::Table(t) => Value::integer(crate::table::Table::border(t)),
            _ => return Err(debug::operand_error(&mut *vm, v, "get length of")),
        };
        Ok(Next::Done)
    }
}

/// The result of a primitive operation on two numbers; `None` when a metamethod is to be tried
/// (strings are converted by the metamethods of the string library, as in PUC Lua).
///
/// # Errors
/// Division by zero and numbers without integer representation.
pub(crate) fn arithmetic_values(
    vm: &mut Vm,
    event: Event,
    left: Value,
    right: Value,
) -> Result<Option<Value>> {
    if !left.is_number() || !right.is_number() {
        return Ok(None);
    }
    let bitwise = matches!(
        event,
        Event::BAnd | Event::BOr | Event::BXor | Event::Shl | Event::Shr | Event::BNot
    );
    if bitwise {
        let (Some(a), Some(b)) = (exact_integer(left), exact_integer(right)) else {
            return Ok(None);
        };
        return Ok(Some(Value::integer(match event {
            Event::BAnd => a & b,
            Event::BOr => a | b,
            Event::BXor => a ^ b,
            Event::Shl => number::shift_left(a, b),
            Event::Shr => number::shift_right(a, b),
            _ => !a,
        })));
    }
    if left.tag == value::INTEGER && right.tag == value::INTEGER {
        let (a, b) = (left.as_integer(), right.as_integer());
        let result = match event {
            Event::Add => Some(a.wrapping_add(b)),
            Event::Sub => Some(a.wrapping_sub(b)),
            Event::Mul => Some(a.wrapping_mul(b)),
            Event::Unm => Some(a.wrapping_neg()),
            Event::IDiv if b == 0 => {
                return Err(vm.runtime_error("attempt to divide by zero"));
            }
            Event::Mod if b == 0 => {
                return Err(vm.runtime_error("attempt to perform 'n%0'"));
            }
            Event::IDiv => number::int_floor_div(a, b),
            Event::Mod => number::int_floor_mod(a, b),
            _ => None,
        };
        if let Some(result) = result {
            return Ok(Some(Value::integer(result)));
        }
    }
    let (a, b) = (as_float(left), as_float(right));
    Ok(Some(Value::float(match event {
        Event::Add => a + b,
        Event::Sub => a - b,
        Event::Mul => a * b,
        Event::Div => a / b,
        Event::Mod => number::float_mod(a, b),
        Event::Pow => number::float_pow(a, b),
        Event::IDiv => number::float_floor_div(a, b),
        _ => -a,
    })))
}

fn exact_integer(v: Value) -> Option<i64> {
    match v.view() {
        value::View::Integer(i) => Some(i),
        value::View::Float(f) => number::float_to_integer(f, number::Rounding::Exact),
        _ => None,
    }
}

fn as_float(v: Value) -> f64 {
    if v.tag == value::INTEGER {
        v.as_integer() as f64
    } else {
        v.as_float()
    }
}
