//! Access to locals and upvalues from outside, as the `debug` library has it.
//!
//! A captured local's register holds a cell; reading and writing go through it. A register that
//! holds neither a variable in scope nor a value still needed reads as nil and is not written:
//! the collector may have cleared it.

use crate::coroutine::Thread;
use crate::function::{Cell, LuaClosure, NativeClosure, Proto};
use crate::stack::{self, Activation};
use crate::value::{self, Value};
use crate::vm::Vm;
use std::ffi::c_void;

/// Where a local lives.
struct Place {
    name: Vec<u8>,
    /// Index in the thread's stack.
    slot: usize,
    /// Whether the slot holds something.
    live: bool,
}

/// The place of local `n` of an activation: positive numbers are variables in scope and then
/// other slots, negative ones variable arguments.
unsafe fn find(thread: *mut Thread, activation: &Activation, n: i64) -> Option<Place> {
    // SAFETY: the callers' contract.
    unsafe {
        let proto = activation.proto(thread);
        if let Some(proto) = proto {
            if n < 0 {
                return find_vararg(&*proto, activation, n);
            }
            let pc = activation.instruction(thread)?;
            if let Some(local) = active_local(&*proto, n, pc) {
                return Some(Place {
                    name: local.name.to_vec(),
                    slot: activation.base + local.register as usize,
                    live: true,
                });
            }
        }
        let index = usize::try_from(n).ok()?.checked_sub(1)?;
        let slot = activation.base.checked_add(index)?;
        let stack = &(*thread).stack;
        if slot >= activation.end.min(stack.len()) {
            return None;
        }
        let (name, live) = match proto {
            None => (b"(C temporary)".to_vec(), true),
            Some(proto) => {
                let live = register_is_live(&*proto, activation, index);
                (b"(temporary)".to_vec(), live)
            }
        };
        Some(Place { name, slot, live })
    }
}

/// Whether a register without a name holds a value that is still needed.
unsafe fn register_is_live(proto: &Proto, activation: &Activation, register: usize) -> bool {
    if activation.pc.is_null() || register >= 256 {
        return true;
    }
    // SAFETY: the callers' contract.
    let live = unsafe { stack::live_in_activation(proto, activation) };
    live[register / 64] >> (register % 64) & 1 != 0
}

fn find_vararg(proto: &Proto, activation: &Activation, n: i64) -> Option<Place> {
    let shift = activation.vararg_shift();
    let extra = shift.checked_sub(1 + proto.num_params as usize)?;
    let index = usize::try_from(n.checked_neg()?).ok()?.checked_sub(1)?;
    (index < extra).then(|| Place {
        name: b"(vararg)".to_vec(),
        slot: activation.base - 1 - extra + index,
        live: true,
    })
}

/// The `n`-th local in scope at `pc`.
fn active_local(
    proto: &Proto,
    n: i64,
    pc: usize,
) -> Option<&perilune_frontend::bytecode::proto::LocalVariable> {
    let index = usize::try_from(n).ok()?.checked_sub(1)?;
    let locals = proto.debug.locals.iter();
    locals
        .take_while(|local| local.start_pc as usize <= pc)
        .filter(|local| pc < local.end_pc as usize)
        .nth(index)
}

/// Name and value of local `n` of an activation.
///
/// # Safety
/// The activation belongs to `thread`, and nothing ran since it was made.
pub unsafe fn local(
    thread: *mut Thread,
    activation: &Activation,
    n: i64,
) -> Option<(Vec<u8>, Value)> {
    // SAFETY: the caller's contract; the place lies within the stack.
    unsafe {
        let place = find(thread, activation, n)?;
        if !place.live {
            return Some((place.name, Value::NIL));
        }
        let value = (&(*thread).stack)[place.slot];
        let value = match value.tag {
            value::CELL => (*value.as_pointer::<Cell>()).value,
            _ => value,
        };
        Some((place.name, value))
    }
}

/// Sets local `n` of an activation; its name if there is such a local.
///
/// # Safety
/// As [`local`].
pub unsafe fn set_local(
    vm: *mut Vm,
    thread: *mut Thread,
    activation: &Activation,
    n: i64,
    value: Value,
) -> Option<Vec<u8>> {
    // SAFETY: the caller's contract; the place lies within the stack. Threads need no barrier:
    // the collector visits them again in its atomic part.
    unsafe {
        let place = find(thread, activation, n)?;
        if place.live {
            // Traces may hold the old value in a register.
            if let Some(tracer) = (*vm).tracer.clone() {
                tracer.invalidate();
            }
            let slot = &mut (&mut (*thread).stack)[place.slot];
            if slot.tag == value::CELL {
                store_in_cell(vm, slot.as_pointer(), value);
            } else {
                *slot = value;
            }
        }
        Some(place.name)
    }
}

unsafe fn store_in_cell(vm: *mut Vm, cell: *mut Cell, value: Value) {
    // SAFETY: the callers pass a live cell and a live value.
    unsafe {
        (*cell).value = value;
        (*vm).heap.barrier_forward(&raw mut (*cell).header, value);
    }
}

/// The name of parameter `n` of a function that is not active; `None` for native functions.
///
/// # Safety
/// `function` is a live function.
pub unsafe fn parameter_name(function: Value, n: i64) -> Option<Vec<u8>> {
    if function.tag != value::LUA_CLOSURE {
        return None;
    }
    // SAFETY: the caller's contract.
    unsafe {
        let proto = &*(*function.as_pointer::<LuaClosure>()).proto;
        active_local(proto, n, 0).map(|local| local.name.to_vec())
    }
}

/// An upvalue's place.
enum UpvaluePlace {
    Cell(*mut Cell),
    Native(*mut Value),
}

unsafe fn find_upvalue(function: Value, n: i64) -> Option<(Vec<u8>, UpvaluePlace)> {
    // SAFETY: the callers pass a live function.
    unsafe {
        let index = usize::try_from(n).ok()?.checked_sub(1)?;
        if function.tag == value::NATIVE_CLOSURE {
            let closure = function.as_pointer::<NativeClosure>();
            if index >= (*closure).visible_upvalues() as usize {
                return None;
            }
            let place = NativeClosure::upvalue(closure, index);
            return Some((Vec::new(), UpvaluePlace::Native(place)));
        }
        let closure = function.as_pointer::<LuaClosure>();
        if index >= (*closure).header.extra as usize {
            return None;
        }
        let upvalues = &(*(*closure).proto).debug.upvalues;
        let upvalue = upvalues.get(index);
        let name = match upvalue.and_then(|upvalue| upvalue.name.as_ref()) {
            Some(name) => name.to_vec(),
            None => b"(no name)".to_vec(),
        };
        Some((
            name,
            UpvaluePlace::Cell(LuaClosure::upvalue(closure, index)),
        ))
    }
}

/// Name and value of upvalue `n` (from 1).
///
/// # Safety
/// `function` is a live function.
pub unsafe fn upvalue(function: Value, n: i64) -> Option<(Vec<u8>, Value)> {
    // SAFETY: the caller's contract.
    unsafe {
        let (name, place) = find_upvalue(function, n)?;
        let value = match place {
            UpvaluePlace::Cell(cell) => (*cell).value,
            UpvaluePlace::Native(place) => *place,
        };
        Some((name, value))
    }
}

/// Sets upvalue `n` (from 1); its name if there is such an upvalue.
///
/// # Safety
/// `function` is a live function and `value` a live value.
pub unsafe fn set_upvalue(vm: *mut Vm, function: Value, n: i64, value: Value) -> Option<Vec<u8>> {
    // SAFETY: the caller's contract.
    unsafe {
        let (name, place) = find_upvalue(function, n)?;
        match place {
            UpvaluePlace::Cell(cell) => store_in_cell(vm, cell, value),
            UpvaluePlace::Native(place) => {
                *place = value;
                (*vm).heap.barrier_forward(function.as_header(), value);
            }
        }
        Some(name)
    }
}

/// What identifies upvalue `n` (from 1): closures that share it give the same.
///
/// # Safety
/// `function` is a live function.
pub unsafe fn upvalue_identity(function: Value, n: i64) -> Option<*mut c_void> {
    // SAFETY: the caller's contract.
    let (_, place) = unsafe { find_upvalue(function, n)? };
    Some(match place {
        UpvaluePlace::Cell(cell) => cell.cast(),
        UpvaluePlace::Native(place) => place.cast(),
    })
}

/// Makes upvalue `n` of `function` refer to upvalue `from_n` of `from`; both are Lua functions.
/// Does nothing when there is no such upvalue.
///
/// # Safety
/// Both are live functions.
pub unsafe fn join_upvalues(vm: *mut Vm, function: Value, n: i64, from: Value, from_n: i64) {
    // SAFETY: the caller's contract; `find_upvalue` checked the index.
    unsafe {
        let (Some((_, UpvaluePlace::Cell(_))), Some((_, UpvaluePlace::Cell(cell)))) =
            (find_upvalue(function, n), find_upvalue(from, from_n))
        else {
            return;
        };
        let closure = function.as_pointer::<LuaClosure>();
        LuaClosure::set_upvalue(closure, (n - 1) as usize, cell);
        (*vm)
            .heap
            .barrier_forward(function.as_header(), Value::cell(cell));
    }
}
