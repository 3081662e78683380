//! Numeric loops beyond integers, variable arguments, to-be-closed variables, pending events.

use super::{current, current_opcode, register};
use crate::call::Next;
use crate::close;
use crate::debug;
use crate::error::Result;
use crate::interrupt;
use crate::value::{self, Value};
use crate::vm::Vm;
use perilune_frontend::bytecode::opcode::Opcode;
use perilune_frontend::number::{self, ForLoop, Number};

pub(super) unsafe fn other(vm: *mut Vm) -> Result<Next> {
    // SAFETY: the slow path's contract.
    unsafe {
        let i = current(vm);
        match current_opcode(vm) {
            Opcode::ForPrep => for_prep(vm),
            Opcode::VarArg => var_arg(vm),
            Opcode::MarkClose => {
                close::mark(vm, register(vm, i.a()))?;
                Ok(Next::Done)
            }
            _ => close::close_block(vm, register(vm, i.a())),
        }
    }
}

unsafe fn for_prep(vm: *mut Vm) -> Result<Next> {
    // SAFETY: the slow path's contract; a loop has four registers.
    unsafe {
        let i = current(vm);
        let a = register(vm, i.a());
        let values = [*a, *a.add(1), *a.add(2)];
        let integers = values[0].tag == value::INTEGER && values[2].tag == value::INTEGER;
        // With an integer start and step, a zero step is found before a limit that is no number.
        if integers && values[2].as_integer() == 0 {
            return Err((*vm).runtime_error("'for' step is zero"));
        }
        // The limit is checked before the others; strings that look like numbers pass.
        let limit = for_number(vm, values[1], "limit")?;
        let (step, start) = if integers {
            (
                Number::Integer(values[2].as_integer()),
                Number::Integer(values[0].as_integer()),
            )
        } else {
            let step = for_number(vm, values[2], "step")?;
            let start = for_number(vm, values[0], "initial")?;
            (as_float(step), as_float(start))
        };
        match number::for_prepare(start, limit, step) {
            Ok(ForLoop::Skip) => {
                (*vm).pc = (*vm).pc.offset(i.bci());
                Ok(Next::Continue)
            }
            Ok(ForLoop::Integer { start, step, count }) => {
                *a = Value::integer(start);
                *a.add(1) = Value::integer(count as i64);
                *a.add(2) = Value::integer(step);
                *a.add(3) = *a;
                Ok(Next::Done)
            }
            Ok(ForLoop::Float { start, limit, step }) => {
                *a = Value::float(start);
                *a.add(1) = Value::float(limit);
                *a.add(2) = Value::float(step);
                *a.add(3) = *a;
                Ok(Next::Done)
            }
            Err(_) => Err((*vm).runtime_error("'for' step is zero")),
        }
    }
}

fn as_float(n: Number) -> Number {
    match n {
        Number::Integer(i) => Number::Float(i as f64),
        float => float,
    }
}

unsafe fn for_number(vm: *mut Vm, v: Value, what: &str) -> Result<Number> {
    // SAFETY: the value is live.
    unsafe { crate::convert::to_number(v).ok_or_else(|| debug::for_error(&mut *vm, v, what)) }
}

unsafe fn var_arg(vm: *mut Vm) -> Result<Next> {
    // SAFETY: the slow path's contract; variable arguments lie below the base (`frame.rs`).
    unsafe {
        let i = current(vm);
        let shift = (*(*vm).frame_top).varargs as usize;
        let params = crate::stack::running_proto(vm).map_or(0, |p| (*p).num_params as usize);
        let available = shift.saturating_sub(1 + params);
        let wanted = match i.bn() {
            0 => {
                let offset = i.a().0 / size_of::<Value>();
                crate::stack::ensure(vm, offset + available)?;
                (*vm).top = register(vm, i.a()).add(available);
                available
            }
            n => n - 1,
        };
        let target = register(vm, i.a());
        let source = (*vm).base.sub(shift).add(params);
        for n in 0..wanted {
            *target.add(n) = if n < available {
                *source.add(n)
            } else {
                Value::NIL
            };
        }
        Ok(Next::Done)
    }
}

/// A back-edge with an event pending, or a float loop.
pub(super) unsafe fn poll(vm: *mut Vm) -> Result<Next> {
    // SAFETY: the slow path's contract.
    unsafe {
        if let Some(next) = interrupt::check_before(vm, false)? {
            return Ok(next);
        }
        let i = current(vm);
        let a = register(vm, i.a());
        let jumps = match current_opcode(vm) {
            Opcode::Loop => true,
            Opcode::ForLoop if (*a.add(2)).tag == value::INTEGER => {
                let count = (*a.add(1)).as_integer();
                if count != 0 {
                    *a.add(1) = Value::integer(count.wrapping_sub(1));
                    *a = Value::integer((*a).as_integer().wrapping_add((*a.add(2)).as_integer()));
                    *a.add(3) = *a;
                }
                count != 0
            }
            Opcode::ForLoop => {
                let (step, limit) = ((*a.add(2)).as_float(), (*a.add(1)).as_float());
                let next = (*a).as_float() + step;
                let goes_on = number::float_for_continues(next, limit, step);
                if goes_on {
                    *a = Value::float(next);
                    *a.add(3) = *a;
                }
                goes_on
            }
            _ => {
                let control = *a.add(4);
                if !control.is_nil() {
                    *a.add(2) = control;
                }
                !control.is_nil()
            }
        };
        if jumps {
            (*vm).pc = (*vm).pc.offset(i.bci());
            return Ok(Next::Continue);
        }
        Ok(Next::Done)
    }
}
