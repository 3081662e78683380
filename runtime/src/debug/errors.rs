//! Errors of operations on wrong values, with the names of the culprits.

use super::info;
use super::names::{self, Name};
use super::traceback::global_function_name;
use crate::error::LuaError;
use crate::function::{LuaClosure, Proto};
use crate::metatable::Event;
use crate::stack;
use crate::string::LuaString;
use crate::value::{self, Value};
use crate::vm::Vm;
use perilune_frontend::bytecode::instruction::{Instruction, SCALE};
use perilune_frontend::bytecode::opcode::{Opcode, Operand};
use perilune_frontend::number::{self, Rounding};

/// The name of a value's type for messages: `__name` of its metatable if that is a string.
///
/// # Safety
/// `vm` and `value` are live.
pub unsafe fn type_name(vm: *mut Vm, value: Value) -> Vec<u8> {
    if matches!(value.tag, value::TABLE | value::USERDATA) {
        // SAFETY: the caller's contract.
        unsafe {
            let name = crate::metatable::metamethod(&*vm, value, Event::Name);
            if let Some(name) = name.to_string_object() {
                return LuaString::as_bytes(name).to_vec();
            }
        }
    }
    value.type_name().as_bytes().to_vec()
}

/// "attempt to *operation* a *type* value (*kind* '*name*')", where the name is that of the operand
/// of the running instruction that is `value`.
///
/// # Safety
/// The saved state of `vm` is up to date.
pub unsafe fn operand_error(vm: *mut Vm, value: Value, operation: &str) -> LuaError {
    // SAFETY: the caller's contract.
    unsafe {
        let name = operand_name(vm, value);
        type_error(vm, value, operation, name)
    }
}

unsafe fn type_error(vm: *mut Vm, value: Value, operation: &str, name: Option<Name>) -> LuaError {
    // SAFETY: as `operand_error`.
    unsafe {
        let mut message = format!("attempt to {operation} a ").into_bytes();
        message.extend_from_slice(&type_name(vm, value));
        message.extend_from_slice(b" value");
        if let Some(name) = name {
            message.extend_from_slice(&name.in_parentheses());
        }
        (*vm).runtime_error(&message)
    }
}

/// The error of indexing `object`, which is no table and has no metamethod, with `key`.
///
/// # Safety
/// As [`operand_error`].
pub unsafe fn index_error(vm: *mut Vm, object: Value, _key: Value) -> LuaError {
    // SAFETY: the caller's contract.
    unsafe { operand_error(vm, object, "index") }
}

/// The error of calling what cannot be called, named by how it was called.
///
/// # Safety
/// As [`operand_error`].
pub unsafe fn call_error(vm: *mut Vm, value: Value) -> LuaError {
    // SAFETY: the caller's contract.
    unsafe {
        let by_call = running(vm).and_then(|(proto, pc)| names::callee_name(proto, pc));
        let name = by_call.or_else(|| operand_name(vm, value));
        type_error(vm, value, "call", name)
    }
}

/// The error of an arithmetic or bitwise operation `event` without a metamethod.
///
/// # Safety
/// As [`operand_error`].
pub unsafe fn arithmetic_error(vm: *mut Vm, event: Event, left: Value, right: Value) -> LuaError {
    let is_bitwise = matches!(
        event,
        Event::BAnd | Event::BOr | Event::BXor | Event::Shl | Event::Shr | Event::BNot
    );
    // SAFETY: the caller's contract.
    unsafe {
        if is_bitwise && left.is_number() && right.is_number() {
            return integer_error(vm, left, right);
        }
        let culprit = if left.is_number() { right } else { left };
        let operation = if is_bitwise {
            "perform bitwise operation on"
        } else {
            "perform arithmetic on"
        };
        operand_error(vm, culprit, operation)
    }
}

/// "number has no integer representation", for the first of two numbers that has none.
///
/// # Safety
/// As [`operand_error`].
pub unsafe fn integer_error(vm: *mut Vm, left: Value, right: Value) -> LuaError {
    let left_is_fine = left.tag != value::FLOAT
        || number::float_to_integer(left.as_float(), Rounding::Exact).is_some();
    let culprit = if left_is_fine { right } else { left };
    // SAFETY: the caller's contract.
    unsafe {
        let mut message = b"number".to_vec();
        if let Some(name) = operand_name(vm, culprit) {
            message.extend_from_slice(&name.in_parentheses());
        }
        message.extend_from_slice(b" has no integer representation");
        (*vm).runtime_error(&message)
    }
}

/// The error of `left .. right` without a metamethod.
///
/// # Safety
/// As [`operand_error`].
pub unsafe fn concat_error(vm: *mut Vm, left: Value, right: Value) -> LuaError {
    let left_is_fine = left.tag == value::STRING || left.is_number();
    let culprit = if left_is_fine { right } else { left };
    // SAFETY: the caller's contract.
    unsafe {
        let name = running(vm).and_then(|(proto, pc)| {
            let instruction = Instruction((&(*proto).code)[pc]);
            if instruction.opcode() != Some(Opcode::Concat) {
                return None;
            }
            // Operands are joined from the right: the last such pair is the one in question.
            let first = instruction.a() / SCALE;
            let last = first + instruction.b() - 1;
            let pair = (first..last).rev().find(|&register| {
                let place = (*vm).base.add(register as usize);
                (*place).is_identical(left) && (*place.add(1)).is_identical(right)
            })?;
            let register = pair + u16::from(left_is_fine);
            names::register_name(proto, pc, register as u8)
        });
        type_error(vm, culprit, "concatenate", name)
    }
}

/// The error of comparing values that have no order.
///
/// # Safety
/// The saved state of `vm` is up to date.
pub unsafe fn compare_error(vm: *mut Vm, left: Value, right: Value) -> LuaError {
    // SAFETY: the caller's contract.
    unsafe {
        let one = type_name(vm, left);
        let other = type_name(vm, right);
        let mut message = b"attempt to compare ".to_vec();
        if one == other {
            message.extend_from_slice(b"two ");
            message.extend_from_slice(&one);
            message.extend_from_slice(b" values");
        } else {
            message.extend_from_slice(&one);
            message.extend_from_slice(b" with ");
            message.extend_from_slice(&other);
        }
        (*vm).runtime_error(&message)
    }
}

/// The error of a numeric `for` over something else; `which` is `initial`, `limit` or `step`.
///
/// # Safety
/// The saved state of `vm` is up to date.
pub unsafe fn for_error(vm: *mut Vm, value: Value, which: &str) -> LuaError {
    // SAFETY: the caller's contract.
    unsafe {
        let what = if which == "initial" {
            "initial value"
        } else {
            which
        };
        let mut message = format!("bad 'for' {what} (number expected, got ").into_bytes();
        message.extend_from_slice(&type_name(vm, value));
        message.push(b')');
        (*vm).runtime_error(&message)
    }
}

/// The error of a to-be-closed variable in `register` whose value cannot be closed.
///
/// # Safety
/// As [`operand_error`].
pub unsafe fn close_error(vm: *mut Vm, register: usize) -> LuaError {
    // SAFETY: the caller's contract.
    unsafe {
        let local =
            running(vm).and_then(|(proto, pc)| (*proto).debug.local_name(register as u8, pc));
        let mut message = b"variable '".to_vec();
        message.extend_from_slice(local.map_or(b"?", |local| &local.name));
        message.extend_from_slice(b"' got a non-closable value");
        (*vm).runtime_error(&message)
    }
}

/// The error of a native function about its argument `arg` (from 1): "bad argument #1 to 'name'
/// (*message*)".
///
/// # Safety
/// The saved state of `vm` is up to date and the native function is running.
pub unsafe fn argument_error(vm: *mut Vm, arg: u32, message: &[u8]) -> LuaError {
    // SAFETY: the caller's contract.
    unsafe {
        let thread = (*vm).thread;
        let Some(activation) = stack::activation(vm, thread, 0) else {
            return positioned_error(vm, &argument_text(arg, None, message));
        };
        let name = info::call_name(thread, &activation);
        let mut arg = arg;
        let name = match name {
            Some(name) if name.kind == "method" => {
                arg = arg.saturating_sub(1);
                if arg == 0 {
                    let mut text = b"calling '".to_vec();
                    text.extend_from_slice(&name.name);
                    text.extend_from_slice(b"' on bad self (");
                    text.extend_from_slice(message);
                    text.push(b')');
                    return positioned_error(vm, &text);
                }
                name.name
            }
            Some(name) => name.name,
            None => global_function_name(vm, activation.function(thread))
                .unwrap_or_else(|| b"?".to_vec()),
        };
        positioned_error(vm, &argument_text(arg, Some(&name), message))
    }
}

fn argument_text(arg: u32, name: Option<&[u8]>, message: &[u8]) -> Vec<u8> {
    let mut text = format!("bad argument #{arg}").into_bytes();
    if let Some(name) = name {
        text.extend_from_slice(b" to '");
        text.extend_from_slice(name);
        text.push(b'\'');
    }
    text.extend_from_slice(b" (");
    text.extend_from_slice(message);
    text.push(b')');
    text
}

/// An error with the position of the running native function's caller.
unsafe fn positioned_error(vm: *mut Vm, message: &[u8]) -> LuaError {
    // SAFETY: the callers' contract.
    unsafe {
        let mut text = info::position(vm, 1);
        text.extend_from_slice(message);
        (*vm).error_string(&text)
    }
}

/// The running Lua function's proto and the position of its instruction.
unsafe fn running(vm: *mut Vm) -> Option<(*mut Proto, usize)> {
    // SAFETY: the callers' contract.
    unsafe {
        let thread = (*vm).thread;
        let activation = stack::activation(vm, thread, 0)?;
        let proto = activation.proto(thread)?;
        Some((proto, activation.instruction(thread)?))
    }
}

/// The name of the operand of the running instruction that is `value`; constants have none.
unsafe fn operand_name(vm: *mut Vm, value: Value) -> Option<Name> {
    // SAFETY: the callers' contract; operands of verified code are in range.
    unsafe {
        let (proto, pc) = running(vm)?;
        let code = &(*proto).code;
        let instruction = Instruction(*code.get(pc)?);
        let op = instruction.opcode()?;
        let upvalue = match op {
            Opcode::GetUpvalueField => Some(instruction.b() as usize),
            Opcode::SetUpvalueField => Some(instruction.a() as usize),
            _ => None,
        };
        if let Some(index) = upvalue {
            let closure = (*(*vm).base.sub(1)).as_pointer::<LuaClosure>();
            let is_culprit = (*LuaClosure::upvalue(closure, index))
                .value
                .is_identical(value);
            return is_culprit.then(|| names::upvalue_name(proto, index));
        }
        let fields = [instruction.a(), instruction.b(), instruction.c()];
        for (field, kind) in fields.into_iter().zip(op.operands()) {
            let register = field / SCALE;
            if matches!(kind, Operand::Read | Operand::ReadWrite)
                && (*(*vm).base.add(register as usize)).is_identical(value)
            {
                return names::register_name(proto, pc, register as u8);
            }
        }
        None
    }
}
