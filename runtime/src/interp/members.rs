//! Shortcuts for members of userdata: fields by constant keys, plain or with getters and setters that are
//! native functions, and methods.
//!
//! They do what the slow path does, without going through its transitions (`at_once.rs`). A shortcut that
//! declines has changed nothing but registers that the instruction may overwrite.

use super::at_once::{Outcome, constant, enter, run};
use super::fast::slot;
use super::perform;
use crate::function::LuaClosure;
use crate::machine::{Insn, Slow};
use crate::metatable::Event;
use crate::string::LuaString;
use crate::table::Table;
use crate::userdata::Userdata;
use crate::userdata::members::{self, Member};
use crate::userdata::place::PlainField;
use crate::value::{NATIVE_CLOSURE, TABLE, USERDATA, Value};
use crate::vm::Vm;
use perilune_frontend::bytecode::opcode::Opcode;

/// The object and the key of a field access by a constant key; none for other instructions.
unsafe fn read_operands(i: Insn, base: *mut Value, constants: *const Value) -> Option<[Value; 2]> {
    // SAFETY: operands of verified code are in range.
    unsafe {
        let op = i.op_byte();
        let object = if op == Opcode::GetField as u8 || op == Opcode::Method as u8 {
            *slot(base, i.b().0)
        } else if op == Opcode::GetUpvalueField as u8 {
            let closure: *mut LuaClosure = (*base.sub(1)).as_pointer();
            (*LuaClosure::upvalue(closure, i.bn())).value
        } else {
            return None;
        };
        Some([object, constant(constants, i.ck().0)])
    }
}

/// The object, the key and the new value of a store to a field by a constant key.
unsafe fn write_operands(i: Insn, base: *mut Value, constants: *const Value) -> Option<[Value; 3]> {
    // SAFETY: operands of verified code are in range.
    unsafe {
        let op = i.op_byte();
        let object = if op == Opcode::SetUpvalueField as u8 {
            let closure: *mut LuaClosure = (*base.sub(1)).as_pointer();
            (*LuaClosure::upvalue(closure, i.an())).value
        } else if op == Opcode::SetField as u8 || op == Opcode::SetFieldConst as u8 {
            *slot(base, i.a().0)
        } else {
            return None;
        };
        let new = if op == Opcode::SetFieldConst as u8 {
            constant(constants, i.ck().0)
        } else {
            *slot(base, i.c().0)
        };
        Some([object, constant(constants, i.bk().0), new])
    }
}

/// The metamethod of a userdata; nil for other values, and without a metatable.
unsafe fn asked(vm: *mut Vm, object: Value, event: Event) -> Value {
    // SAFETY: the caller passes live values.
    unsafe {
        if object.tag != USERDATA {
            return Value::NIL;
        }
        let metatable = (*object.as_pointer::<Userdata>()).metatable;
        if metatable.is_null() {
            return Value::NIL;
        }
        Table::event(&(*vm).heap, metatable, event)
    }
}

/// What reading a field of a userdata finds.
unsafe fn find(vm: *mut Vm, object: Value, key: Value) -> Member {
    // SAFETY: the caller passes live values; the key is a string.
    unsafe {
        let function = asked(vm, object, Event::Index);
        let heap = &(*vm).heap;
        let table = match function.tag {
            TABLE => function,
            NATIVE_CLOSURE => match members::find(heap, function, key) {
                Some(Member::Elsewhere(table)) if table.tag == TABLE => table,
                Some(Member::Elsewhere(f)) => return Member::Accessor(f),
                Some(found) => return found,
                // It is to be asked itself, as a getter is.
                None => return Member::Accessor(function),
            },
            _ => return Member::None,
        };
        let v = if LuaString::is_interned(key.as_pointer()) {
            Table::get_str(heap, table.as_pointer(), key.as_pointer())
        } else {
            Value::NIL
        };
        if v.is_nil() {
            Member::Elsewhere(table)
        } else {
            Member::Value(v)
        }
    }
}

/// Reading a field or index that is not one of a table; answers an exit code or 0.
///
/// # Safety
/// The arguments are a handler's state.
#[inline(never)]
pub(super) unsafe fn index(
    vm: *mut Vm,
    pc: *const u64,
    base: *mut Value,
    constants: *const Value,
) -> u64 {
    // SAFETY: the caller's contract.
    unsafe {
        let i = Insn::at(pc.sub(1));
        if let Some([object, key]) = read_operands(i, base, constants)
            && object.tag == USERDATA
        {
            match find(vm, object, key) {
                Member::Value(v) => {
                    if i.op_byte() == Opcode::Method as u8 {
                        *slot(base, i.a().plus(1).0) = object;
                    }
                    *slot(base, i.a().0) = v;
                    done(vm, pc, base, constants);
                    return 0;
                }
                Member::Accessor(f) if f.tag == NATIVE_CLOSURE => {
                    return get(vm, pc, base, constants, f);
                }
                _ => {}
            }
        } else if let Some(code) = index_by_key(i, vm, pc, base, constants) {
            return code;
        }
        perform(vm, pc, base, constants, Slow::Index)
    }
}

/// Reading from a userdata by a key that is a value, where a native function answers; an exit code or 0,
/// if that is so.
#[inline(always)]
unsafe fn index_by_key(
    i: Insn,
    vm: *mut Vm,
    pc: *const u64,
    base: *mut Value,
    constants: *const Value,
) -> Option<u64> {
    // SAFETY: the caller's contract; operands of verified code are in range.
    unsafe {
        let key = if i.op_byte() == Opcode::GetIndex as u8 {
            *slot(base, i.c().0)
        } else if i.op_byte() == Opcode::GetInt as u8 {
            Value::integer(i.cn() as i64)
        } else {
            return None;
        };
        let object = *slot(base, i.b().0);
        let function = asked(vm, object, Event::Index);
        let f = match members::find(&(*vm).heap, function, key) {
            Some(Member::Accessor(f) | Member::Elsewhere(f)) => f,
            Some(Member::Value(_) | Member::None) => return None,
            None => function,
        };
        let outcome = Outcome::Store(i.a().0);
        (f.tag == NATIVE_CLOSURE && enter(vm, pc, base, constants, f, &[object, key], outcome))
            .then(|| run(vm, outcome))
    }
}

/// Storing to a userdata by a key that is a value, likewise.
#[inline(always)]
unsafe fn set_index_by_key(
    i: Insn,
    vm: *mut Vm,
    pc: *const u64,
    base: *mut Value,
    constants: *const Value,
) -> Option<u64> {
    // SAFETY: as in `index_by_key`.
    unsafe {
        let op = i.op_byte();
        let key = if op == Opcode::SetIndex as u8 || op == Opcode::SetIndexConst as u8 {
            *slot(base, i.b().0)
        } else if op == Opcode::SetInt as u8 {
            Value::integer(i.bn() as i64)
        } else {
            return None;
        };
        let new = if op == Opcode::SetIndexConst as u8 {
            constant(constants, i.ck().0)
        } else {
            *slot(base, i.c().0)
        };
        let object = *slot(base, i.a().0);
        let f = setter(vm, object, key);
        let args = [object, key, new];
        (f.tag == NATIVE_CLOSURE && enter(vm, pc, base, constants, f, &args, Outcome::Discard))
            .then(|| run(vm, Outcome::Discard))
    }
}

/// What is called with the object, the key and the new value when a field of a userdata is stored to; any
/// other value where that is not known.
unsafe fn setter(vm: *mut Vm, object: Value, key: Value) -> Value {
    // SAFETY: the caller passes live values.
    unsafe {
        let function = asked(vm, object, Event::NewIndex);
        match members::find_setter(&(*vm).heap, function, key) {
            Some(Member::Accessor(f) | Member::Elsewhere(f)) => f,
            // It is to be asked itself, as a setter is.
            _ => function,
        }
    }
}

/// Storing to a field or index that is not one of a table; answers an exit code or 0.
///
/// # Safety
/// The arguments are a handler's state.
#[inline(never)]
pub(super) unsafe fn set_index(
    vm: *mut Vm,
    pc: *const u64,
    base: *mut Value,
    constants: *const Value,
) -> u64 {
    // SAFETY: the caller's contract.
    unsafe {
        let i = Insn::at(pc.sub(1));
        if let Some([object, key, _]) = write_operands(i, base, constants) {
            let f = setter(vm, object, key);
            if f.tag == NATIVE_CLOSURE {
                return set(vm, pc, base, constants, f);
            }
        } else if let Some(code) = set_index_by_key(i, vm, pc, base, constants) {
            return code;
        }
        perform(vm, pc, base, constants, Slow::SetIndex)
    }
}

/// Reads a field by its getter, a native closure.
///
/// # Safety
/// The arguments are a handler's state, at a read of a field by a constant key of a userdata that has
/// this getter.
pub(crate) unsafe fn get(
    vm: *mut Vm,
    pc: *const u64,
    base: *mut Value,
    constants: *const Value,
    getter: Value,
) -> u64 {
    // SAFETY: the caller's contract.
    unsafe {
        let i = Insn::at(pc.sub(1));
        let Some(args) = read_operands(i, base, constants) else {
            return perform(vm, pc, base, constants, Slow::Index);
        };
        if i.op_byte() == Opcode::Method as u8 {
            *slot(base, i.a().plus(1).0) = args[0];
        }
        if let Some(v) = PlainField::read(getter, args[0]) {
            *slot(base, i.a().0) = v;
            done(vm, pc, base, constants);
            return 0;
        }
        let outcome = Outcome::Store(i.a().0);
        if !enter(vm, pc, base, constants, getter, &args, outcome) {
            return perform(vm, pc, base, constants, Slow::Index);
        }
        run(vm, outcome)
    }
}

/// Stores to a field by its setter, a native closure.
///
/// # Safety
/// As [`get`], at a store.
pub(crate) unsafe fn set(
    vm: *mut Vm,
    pc: *const u64,
    base: *mut Value,
    constants: *const Value,
    setter: Value,
) -> u64 {
    // SAFETY: the caller's contract.
    unsafe {
        let i = Insn::at(pc.sub(1));
        let Some(args) = write_operands(i, base, constants) else {
            return perform(vm, pc, base, constants, Slow::SetIndex);
        };
        if PlainField::write(setter, args[0], args[2]) {
            done(vm, pc, base, constants);
            return 0;
        }
        if !enter(vm, pc, base, constants, setter, &args, Outcome::Discard) {
            return perform(vm, pc, base, constants, Slow::SetIndex);
        }
        run(vm, Outcome::Discard)
    }
}

/// Saves the state behind a field access, and its extra word.
#[inline(always)]
unsafe fn done(vm: *mut Vm, pc: *const u64, base: *mut Value, constants: *const Value) {
    // SAFETY: the caller passes a handler's state.
    unsafe {
        (*vm).pc = pc.add(1);
        (*vm).base = base;
        (*vm).constants = constants;
    }
}
