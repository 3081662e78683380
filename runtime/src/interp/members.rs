//! Shortcuts for members of userdata: fields by constant keys, plain or with getters and setters that are
//! native functions, and methods.
//!
//! They do what the slow path does, without going through its transitions where nothing special is
//! the matter: no event is pending, there is room on the stack, and the getter returns at once. A
//! shortcut that declines has changed nothing but registers that the instruction may overwrite.

use super::fast::slot;
use super::perform;
use crate::call::{self, safepoint};
use crate::frame::*;
use crate::function::{LuaClosure, NativeClosure};
use crate::interp::slow::member_site;
use crate::machine::{Insn, Slow};
use crate::metatable::Event;
use crate::native::{Action, Call, CallResult, MIN_SLOTS};
use crate::string::LuaString;
use crate::table::Table;
use crate::userdata::Userdata;
use crate::userdata::members::{self, Member};
use crate::userdata::place::PlainField;
use crate::value::{NATIVE_CLOSURE, TABLE, USERDATA, Value};
use crate::vm::{MAX_C_CALLS, Vm};
use perilune_frontend::bytecode::opcode::Opcode;
use std::sync::atomic::Ordering;

/// The constant that an operand names.
unsafe fn constant(constants: *const Value, offset: usize) -> Value {
    // SAFETY: operands of verified code are in range.
    unsafe { *constants.byte_add(offset) }
}

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
                Some(found) => return found,
                None => return Member::None,
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
        }
        perform(vm, pc, base, constants, Slow::Index)
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
        if let Some([object, key, _]) = write_operands(i, base, constants)
            && object.tag == USERDATA
            && let function = asked(vm, object, Event::NewIndex)
            && let Some(Member::Accessor(f)) = members::find_setter(&(*vm).heap, function, key)
            && f.tag == NATIVE_CLOSURE
        {
            return set(vm, pc, base, constants, f);
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
        let destination = Some(i.a().0);
        if !enter(vm, pc, base, constants, getter, &args, destination) {
            return perform(vm, pc, base, constants, Slow::Index);
        }
        run(vm, destination)
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
        if !enter(vm, pc, base, constants, setter, &args, None) {
            return perform(vm, pc, base, constants, Slow::SetIndex);
        }
        run(vm, None)
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

/// Pushes the frame of a native function that is called as a metamethod of the current instruction. The
/// result goes to the register at byte offset `destination`. False when there is no room, or something
/// else to do.
#[inline(always)]
unsafe fn enter(
    vm: *mut Vm,
    pc: *const u64,
    base: *mut Value,
    constants: *const Value,
    function: Value,
    args: &[Value],
    destination: Option<usize>,
) -> bool {
    // SAFETY: the handler's state; room is checked before anything is written.
    unsafe {
        let frame = (*vm).frame_top.add(1);
        let thread = (*vm).thread;
        if (*vm).pending.load(Ordering::Relaxed) != 0
            || frame > (*vm).frame_limit
            || (*thread).c_calls + 1 >= MAX_C_CALLS
        {
            return false;
        }
        (*vm).pc = pc;
        (*vm).base = base;
        (*vm).constants = constants;
        let site = member_site(vm, destination);
        let place = base.byte_add((*site).delta as usize);
        if place.wrapping_add(args.len() + MIN_SLOTS) > (*vm).stack_limit {
            return false;
        }
        *place.sub(1) = function;
        for (n, arg) in args.iter().enumerate() {
            *place.add(n) = *arg;
        }
        (*thread).c_calls += 1;
        *frame = Frame {
            site,
            varargs: args.len() as u32,
            flags: FRAME_C_CALL | FRAME_NATIVE,
        };
        (*vm).frame_top = frame;
        (*vm).base = place;
        (*vm).pc = std::ptr::null();
        true
    }
}

/// Runs the first step of the native function that [`enter`] has called, and goes on after it.
#[inline(always)]
unsafe fn run(vm: *mut Vm, destination: Option<usize>) -> u64 {
    // SAFETY: the saved state is that of the native function, whose frame has a site.
    unsafe {
        let closure: *mut NativeClosure = (*(*vm).base.sub(1)).as_pointer();
        let mut call = Call::new(vm, 0, CallResult::Returned(0));
        // By reference: moving what was just written in pieces costs more than most getters do.
        let (first, count) = match &((*closure).function)(&mut call) {
            Ok(Action::Return { first, count })
                if (*(*vm).frame_top).flags == FRAME_C_CALL | FRAME_NATIVE
                    && (*vm).pending.load(Ordering::Relaxed) == 0 =>
            {
                (*first, *count)
            }
            step => return call::go_on(vm, *step),
        };
        let frame = (*vm).frame_top;
        let site = (*frame).site;
        (*(*vm).thread).c_calls -= 1;
        (*vm).frame_top = frame.sub(1);
        let base = (*vm).base.byte_sub((*site).delta as usize);
        if let Some(destination) = destination {
            *slot(base, destination) = match count {
                0 => Value::NIL,
                _ => *(*vm).base.add(first as usize - 1),
            };
        }
        (*vm).base = base;
        (*vm).pc = (*site).return_pc;
        (*vm).constants = (*site).constants;
        safepoint(vm)
    }
}
