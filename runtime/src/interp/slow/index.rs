//! Reading and writing indices and fields: cache misses, metamethods, errors (manual §2.4).

use super::{
    call_metamethod, constant, current, current_opcode, discard_kind, register, store_kind,
};
use crate::call::Next;
use crate::collect;
use crate::debug;
use crate::error::{LuaError, Result};
use crate::function::LuaClosure;
use crate::metatable::{Event, metamethod};
use crate::ops::cache;
use crate::string::LuaString;
use crate::table::{Table, TableError};
use crate::userdata::members::{self, Member};
use crate::userdata::place::PlainField;
use crate::value::{self, Value};
use crate::vm::Vm;
use perilune_frontend::bytecode::opcode::Opcode;

/// How many `__index` or `__newindex` steps are followed (as `MAXTAGLOOP`).
const MAX_LOOP: usize = 2000;

/// What an index operation found.
#[derive(Clone, Copy, Debug)]
pub enum Found {
    /// The value.
    Value(Value),
    /// A function to be called with the object and the key.
    Metamethod(Value, Value),
}

pub(super) unsafe fn index(vm: *mut Vm) -> Result<Next> {
    // SAFETY: the slow path's contract.
    unsafe {
        let i = current(vm);
        let op = current_opcode(vm);
        let object = match op {
            Opcode::GetUpvalueField => (*LuaClosure::upvalue(running_closure(vm), i.bn())).value,
            _ => *register(vm, i.b()),
        };
        let key = match op {
            Opcode::GetIndex => *register(vm, i.c()),
            Opcode::GetInt => Value::integer(i.cn() as i64),
            _ => *constant(vm, i.ck()),
        };
        if op == Opcode::Method {
            *register(vm, i.a().plus(1)) = object;
        }
        let cached = matches!(
            op,
            Opcode::GetField | Opcode::Method | Opcode::GetUpvalueField
        );
        if cached && let Some(t) = object.to_table() {
            let proto = (*running_closure(vm)).proto;
            let place = (*vm).pc as *mut u64;
            cache::fill_read(&(*vm).heap, proto, place, t, key.as_pointer());
        } else if op == Opcode::Method && object.tag == value::STRING {
            let proto = (*running_closure(vm)).proto;
            cache::fill_string_method(vm, proto, (*vm).pc as *mut u64, key.as_pointer());
        }
        match index_value(&mut *vm, object, key)? {
            Found::Value(v) => {
                *register(vm, i.a()) = v;
                Ok(Next::Done)
            }
            Found::Metamethod(function, object) => Ok(call_metamethod(
                vm,
                function,
                &[object, key],
                store_kind(i.a().0),
            )),
        }
    }
}

unsafe fn running_closure(vm: *mut Vm) -> *mut LuaClosure {
    // SAFETY: the running function stands at base - 1 and is a Lua closure.
    unsafe { (*(*vm).base.sub(1)).as_pointer() }
}

/// `object[key]`, up to a metamethod that is a function.
///
/// # Errors
/// Indexing a value that has no `__index`; a loop in `__index`.
pub fn index_value(vm: &mut Vm, object: Value, key: Value) -> Result<Found> {
    let mut object = object;
    for _ in 0..MAX_LOOP {
        // SAFETY: all values are live; nothing collects here.
        unsafe {
            let function = if let Some(t) = object.to_table() {
                let v = Table::get(&vm.heap, t, key);
                if !v.is_nil() {
                    return Ok(Found::Value(v));
                }
                let function = metamethod(vm, object, Event::Index);
                if function.is_nil() {
                    return Ok(Found::Value(Value::NIL));
                }
                function
            } else {
                let function = metamethod(vm, object, Event::Index);
                if function.is_nil() {
                    return Err(debug::index_error(vm, object, key));
                }
                function
            };
            if !function.is_function() {
                object = function;
                continue;
            }
            match members::find(&vm.heap, function, key) {
                Some(Member::Value(v)) => return Ok(Found::Value(v)),
                Some(Member::Accessor(f)) => {
                    return Ok(match PlainField::read(f, object) {
                        Some(v) => Found::Value(v),
                        None => Found::Metamethod(f, object),
                    });
                }
                Some(Member::Elsewhere(f)) if f.is_function() => {
                    return Ok(Found::Metamethod(f, object));
                }
                Some(Member::Elsewhere(table)) => object = table,
                Some(Member::None) | None => return Ok(Found::Metamethod(function, object)),
            }
        }
    }
    Err(vm.runtime_error("'__index' chain too long; possible loop"))
}

pub(super) unsafe fn set_index(vm: *mut Vm) -> Result<Next> {
    // SAFETY: the slow path's contract; a write that fails has changed nothing.
    unsafe {
        match set_index_once(vm) {
            Err(LuaError::Memory) if collect::make_room_within(vm) => set_index_once(vm),
            other => other,
        }
    }
}

unsafe fn set_index_once(vm: *mut Vm) -> Result<Next> {
    // SAFETY: the slow path's contract.
    unsafe {
        let i = current(vm);
        let op = current_opcode(vm);
        let object = match op {
            Opcode::SetUpvalueField => (*LuaClosure::upvalue(running_closure(vm), i.an())).value,
            _ => *register(vm, i.a()),
        };
        let key = match op {
            Opcode::SetIndex | Opcode::SetIndexConst => *register(vm, i.b()),
            Opcode::SetInt => Value::integer(i.bn() as i64),
            _ => *constant(vm, i.bk()),
        };
        let new = match op {
            Opcode::SetIndexConst | Opcode::SetFieldConst => *constant(vm, i.ck()),
            _ => *register(vm, i.c()),
        };
        let cached = matches!(
            op,
            Opcode::SetField | Opcode::SetFieldConst | Opcode::SetUpvalueField
        );
        let table = object.to_table().filter(|_| cached);
        let old_shape = table.map_or(0, |t| (*t).header.extra);
        match set_index_value(&mut *vm, object, key, new, cached)? {
            None => {
                if let Some(t) = table {
                    let proto = (*running_closure(vm)).proto;
                    let place = (*vm).pc as *mut u64;
                    cache::fill_write(&(*vm).heap, proto, place, t, key.as_pointer(), old_shape);
                }
                Ok(Next::Done)
            }
            Some((function, object)) => Ok(call_metamethod(
                vm,
                function,
                &[object, key, new],
                discard_kind(),
            )),
        }
    }
}

/// `object[key] = new`, up to a metamethod that is a function, which is returned with the object
/// it is to be called for. `constant_key` says that the key is a constant of the program.
///
/// # Errors
/// Indexing a value that has no `__newindex`; a bad key; a loop in `__newindex`; memory.
pub fn set_index_value(
    vm: &mut Vm,
    object: Value,
    key: Value,
    new: Value,
    constant_key: bool,
) -> Result<Option<(Value, Value)>> {
    let mut object = object;
    for _ in 0..MAX_LOOP {
        // SAFETY: all values are live; nothing collects here.
        unsafe {
            let function = if let Some(t) = object.to_table() {
                let function =
                    if cache::may_have_metatable(vm, t) && Table::get(&vm.heap, t, key).is_nil() {
                        metamethod(vm, object, Event::NewIndex)
                    } else {
                        Value::NIL
                    };
                if function.is_nil() {
                    return set_raw(vm, t, key, new, constant_key).map(|()| None);
                }
                function
            } else {
                let function = metamethod(vm, object, Event::NewIndex);
                if function.is_nil() {
                    return Err(debug::index_error(vm, object, key));
                }
                function
            };
            if !function.is_function() {
                object = function;
                continue;
            }
            match members::find_setter(&vm.heap, function, key) {
                Some(Member::Accessor(f)) => {
                    let is_stored = PlainField::write(f, object, new);
                    return Ok((!is_stored).then_some((f, object)));
                }
                Some(Member::Elsewhere(f)) if f.is_function() => return Ok(Some((f, object))),
                Some(Member::Elsewhere(table)) => object = table,
                Some(Member::Value(_) | Member::None) | None => {
                    return Ok(Some((function, object)));
                }
            }
        }
    }
    Err(vm.runtime_error("'__newindex' chain too long; possible loop"))
}

unsafe fn set_raw(
    vm: &mut Vm,
    t: *mut Table,
    key: Value,
    new: Value,
    constant_key: bool,
) -> Result<()> {
    // SAFETY: the table and both values are live.
    let result = unsafe {
        if key.tag == value::INTEGER {
            Table::set_int(&mut vm.heap, t, key.as_integer(), new)
        } else if constant_key && LuaString::is_interned(key.as_pointer()) {
            Table::set_str(&mut vm.heap, t, key.as_pointer(), new, true)
        } else {
            Table::set(&mut vm.heap, t, key, new)
        }
    };
    result.map_err(|error| table_error(vm, error))
}

/// The Lua error for a failed table write.
pub(crate) fn table_error(vm: &mut Vm, error: TableError) -> LuaError {
    match error {
        TableError::NilKey => vm.runtime_error("table index is nil"),
        TableError::NaNKey => vm.runtime_error("table index is NaN"),
        TableError::Overflow => vm.runtime_error("table overflow"),
        TableError::Memory => LuaError::Memory,
    }
}
