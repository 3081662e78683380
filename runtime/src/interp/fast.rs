//! Shortcuts of the slow paths that are not slow at all: fields that miss their cache, string keys
//! that are values rather than constants, calls and returns with any number of values.
//!
//! Each answers whether it did the whole instruction; if not, it has changed nothing but registers
//! that the instruction may overwrite, and the slow path follows. They run only where no hook is
//! set.

use crate::call::move_results;
use crate::frame::{CallSite, Continuation, FRAME_TAIL_CALL, Frame};
use crate::function::{LuaClosure, Proto};
use crate::machine::Insn;
use crate::metatable::Event;
use crate::ops::cache;
use crate::string::LuaString;
use crate::table::Table;
use crate::value::{LUA_CLOSURE, NIL, STRING, TABLE, Value};
use crate::vm::Vm;
use perilune_frontend::bytecode::opcode::Opcode;
use std::sync::atomic::Ordering;

/// The register that an operand names.
///
/// # Safety
/// `offset` is an operand of an instruction of the function that runs at `base`.
pub(super) unsafe fn slot(base: *mut Value, offset: usize) -> *mut Value {
    // SAFETY: operands of verified code are in range.
    unsafe { (base as *mut u8).add(offset) as *mut Value }
}

/// `GetIndex` with an interned string key that the table has, or without metatable.
///
/// # Safety
/// The arguments are a handler's state.
#[inline(always)]
pub(super) unsafe fn get_string(
    vm: *mut Vm,
    pc: *const u64,
    base: *mut Value,
    _constants: *const Value,
) -> bool {
    // SAFETY: the caller's contract.
    unsafe {
        let i = Insn::at(pc.sub(1));
        if i.op_byte() != Opcode::GetIndex as u8 {
            return false;
        }
        let (table, key) = (slot(base, i.b().0), slot(base, i.c().0));
        if (*table).tag != TABLE || (*key).tag != STRING {
            return false;
        }
        let name: *const LuaString = (*key).as_pointer();
        if !LuaString::is_interned(name) {
            return false;
        }
        let table = (*table).as_pointer();
        let v = Table::get_str(&(*vm).heap, table, name);
        if v.tag == NIL && cache::may_have_metatable(vm, table) {
            return false;
        }
        *slot(base, i.a().0) = v;
        true
    }
}

/// `SetIndex` with an interned string key in a table without metatable.
///
/// # Safety
/// The arguments are a handler's state.
#[inline(always)]
pub(super) unsafe fn set_string(
    vm: *mut Vm,
    pc: *const u64,
    base: *mut Value,
    _constants: *const Value,
) -> bool {
    // SAFETY: the caller's contract; nothing collects here.
    unsafe {
        let i = Insn::at(pc.sub(1));
        if i.op_byte() != Opcode::SetIndex as u8 {
            return false;
        }
        let (table, key) = (slot(base, i.a().0), slot(base, i.b().0));
        if (*table).tag != TABLE || (*key).tag != STRING {
            return false;
        }
        let (table, name): (*mut Table, *mut LuaString) =
            ((*table).as_pointer(), (*key).as_pointer());
        if !LuaString::is_interned(name) || cache::may_have_metatable(vm, table) {
            return false;
        }
        // After a failure the slow path tries again, and reports it.
        Table::set_str(&mut (*vm).heap, table, name, *slot(base, i.c().0), false).is_ok()
    }
}

/// How many misses of a cache are followed by filling it anew; from then on only every
/// [`REFILL_EVERY`]th is, because the place sees too many shapes to be worth the work.
const REFILLS: u64 = 16;
/// See [`REFILLS`].
const REFILL_EVERY: u64 = 64;

/// Counts a miss in the top 16 bits of a cache word; answers whether to fill the cache.
#[inline(always)]
unsafe fn count_miss(word: *mut u64) -> bool {
    // SAFETY: the caller passes an instruction's cache word.
    unsafe {
        let misses = (*word >> 48) + 1;
        let counted = if misses > u16::MAX as u64 {
            REFILLS
        } else {
            misses
        };
        *word = *word & (u64::MAX >> 16) | counted << 48;
        misses <= REFILLS || misses.is_multiple_of(REFILL_EVERY)
    }
}

/// Fills the cache word by `fill`, keeping its count of misses.
unsafe fn keep_count(word: *mut u64, fill: impl FnOnce(*mut u64)) {
    // SAFETY: the caller passes an instruction's cache word.
    unsafe {
        let misses = *word >> 48 << 48;
        fill(word);
        *word = *word & (u64::MAX >> 16) | misses;
    }
}

/// A field of a table by a constant key, up to `__index` functions.
///
/// # Safety
/// The arguments are a handler's state.
#[inline(always)]
pub(super) unsafe fn get_field(
    vm: *mut Vm,
    pc: *const u64,
    base: *mut Value,
    constants: *const Value,
) -> bool {
    // SAFETY: the caller's contract; nothing collects here.
    unsafe {
        let i = Insn::at(pc.sub(1));
        let op = i.op_byte();
        let closure: *mut LuaClosure = (*base.sub(1)).as_pointer();
        let object = if op == Opcode::GetUpvalueField as u8 {
            (*LuaClosure::upvalue(closure, i.bn())).value
        } else if op == Opcode::GetField as u8 || op == Opcode::Method as u8 {
            *slot(base, i.b().0)
        } else {
            return false;
        };
        if object.tag != TABLE {
            return false;
        }
        let key = *((constants as *const u8).add(i.ck().0) as *const Value);
        let name: *mut LuaString = key.as_pointer();
        if !LuaString::is_interned(name) {
            return false;
        }
        let first: *mut Table = object.as_pointer();
        let Some(v) = inherited_field(vm, first, name) else {
            return false;
        };
        let word = pc as *mut u64;
        // A field that is nil here is found elsewhere each time: no use in a cache.
        if count_miss(word) && v.tag != NIL {
            keep_count(word, |word| {
                cache::fill_read(&(*vm).heap, (*closure).proto, word, first, name);
            });
        }
        if op == Opcode::Method as u8 {
            *slot(base, i.a().plus(1).0) = object;
        }
        *slot(base, i.a().0) = v;
        true
    }
}

/// `t[name]` through `__index` tables; `None` when something else than a table is to be asked.
#[inline(always)]
unsafe fn inherited_field(vm: *mut Vm, t: *mut Table, name: *mut LuaString) -> Option<Value> {
    // SAFETY: the caller passes live objects.
    unsafe {
        let heap = &(*vm).heap;
        let mut t = t;
        for _ in 0..16 {
            let v = Table::get_str(heap, t, name);
            if v.tag != NIL {
                return Some(v);
            }
            let index = Table::metamethod(heap, t, Event::Index);
            if index.tag == NIL {
                return Some(Value::NIL);
            }
            t = index.to_table()?;
        }
        None
    }
}

/// A store to a field of a table by a constant key, without metamethod.
///
/// # Safety
/// The arguments are a handler's state.
#[inline(always)]
pub(super) unsafe fn set_field(
    vm: *mut Vm,
    pc: *const u64,
    base: *mut Value,
    constants: *const Value,
) -> bool {
    // SAFETY: the caller's contract; nothing collects here.
    unsafe {
        let i = Insn::at(pc.sub(1));
        let op = i.op_byte();
        let is_constant = op == Opcode::SetFieldConst as u8;
        if !is_constant && op != Opcode::SetField as u8 {
            return false;
        }
        let object = *slot(base, i.a().0);
        if object.tag != TABLE {
            return false;
        }
        let constant = |offset: usize| *((constants as *const u8).add(offset) as *const Value);
        let name: *mut LuaString = constant(i.bk().0).as_pointer();
        if !LuaString::is_interned(name) {
            return false;
        }
        let v = if is_constant {
            constant(i.ck().0)
        } else {
            *slot(base, i.c().0)
        };
        let t: *mut Table = object.as_pointer();
        let heap = &mut (*vm).heap;
        if Table::metamethod(heap, t, Event::NewIndex).tag != NIL {
            return false;
        }
        let old_shape = (*t).header.extra;
        if Table::set_str(heap, t, name, v, true).is_err() {
            return false;
        }
        let word = pc as *mut u64;
        if count_miss(word) {
            let closure: *mut LuaClosure = (*base.sub(1)).as_pointer();
            keep_count(word, |word| {
                cache::fill_write(heap, (*closure).proto, word, t, name, old_shape);
            });
        }
        true
    }
}

/// `Call` of a Lua function with any number of arguments, and `TailCall` between functions without
/// variable arguments.
///
/// # Safety
/// The arguments are a handler's state.
#[inline(always)]
pub(super) unsafe fn call_lua(
    vm: *mut Vm,
    pc: *const u64,
    base: *mut Value,
    _constants: *const Value,
) -> bool {
    // SAFETY: the caller's contract; room is checked before anything is written.
    unsafe {
        let i = Insn::at(pc.sub(1));
        let function = slot(base, i.a().0);
        if (*function).tag != LUA_CLOSURE || (*vm).pending.load(Ordering::Relaxed) != 0 {
            return false;
        }
        let args = match i.bn() {
            0 => (*vm).top.offset_from(function) as usize - 1,
            b => b - 1,
        };
        if i.op_byte() != Opcode::TailCall as u8 {
            return enter(vm, function, args, *pc as *const CallSite);
        }
        let proto = (*(*function).as_pointer::<LuaClosure>()).proto;
        let frame = (*vm).frame_top;
        let registers = args.max((*proto).max_stack as usize);
        if (*proto).is_vararg
            || (*frame).varargs != 0
            || function.add(1 + registers) > (*vm).stack_limit
        {
            return false;
        }
        (*frame).flags |= FRAME_TAIL_CALL;
        let target = base.sub(1);
        for n in 0..=args {
            *target.add(n) = *function.add(n);
        }
        start(vm, base, args, proto);
        true
    }
}

/// `GenericForCall` of a Lua function.
///
/// # Safety
/// The arguments are a handler's state.
#[inline(always)]
pub(super) unsafe fn iterate_lua(
    vm: *mut Vm,
    pc: *const u64,
    base: *mut Value,
    _constants: *const Value,
) -> bool {
    // SAFETY: the caller's contract; the loop's registers go up to A + 6, and what is from A + 4
    // on may be overwritten.
    unsafe {
        let i = Insn::at(pc.sub(1));
        let a = slot(base, i.a().0);
        if i.op_byte() != Opcode::GenericForCall as u8
            || (*a).tag != LUA_CLOSURE
            || (*vm).pending.load(Ordering::Relaxed) != 0
        {
            return false;
        }
        let function = a.add(4);
        for n in 0..3 {
            *function.add(n) = *a.add(n);
        }
        enter(vm, function, 2, *pc as *const CallSite)
    }
}

/// Calls the Lua function at `function` if there is room, and `site`.
#[inline(always)]
unsafe fn enter(vm: *mut Vm, function: *mut Value, args: usize, site: *const CallSite) -> bool {
    // SAFETY: the callers pass a closure followed by its arguments; room is checked.
    unsafe {
        let proto = (*(*function).as_pointer::<LuaClosure>()).proto;
        let shift = if (*proto).is_vararg { args + 1 } else { 0 };
        let needed = 1 + shift + args.max((*proto).max_stack as usize);
        let frame = (*vm).frame_top.add(1);
        if function.add(needed) > (*vm).stack_limit || site.is_null() || frame > (*vm).frame_limit {
            return false;
        }
        *frame = Frame {
            site,
            varargs: shift as u32,
            flags: 0,
        };
        (*vm).frame_top = frame;
        if shift != 0 {
            // The function and its parameters move above the variable arguments.
            let moved = function.add(shift);
            *moved = *function;
            for n in 0..args.min((*proto).num_params as usize) {
                *moved.add(1 + n) = *function.add(1 + n);
                *function.add(1 + n) = Value::NIL;
            }
        }
        start(vm, function.add(1 + shift), args, proto);
        true
    }
}

/// Goes on at the start of `proto`, whose arguments are at `base`.
#[inline(always)]
unsafe fn start(vm: *mut Vm, base: *mut Value, args: usize, proto: *const Proto) {
    // SAFETY: the callers have checked for room.
    unsafe {
        for n in args..(*proto).num_params as usize {
            *base.add(n) = Value::NIL;
        }
        (*vm).base = base;
        (*vm).pc = (*proto).entry;
        (*vm).constants = (*proto).constants_start;
    }
}

/// `VarArg`.
///
/// # Safety
/// The arguments are a handler's state.
#[inline(always)]
pub(super) unsafe fn var_arg(
    vm: *mut Vm,
    pc: *const u64,
    base: *mut Value,
    _constants: *const Value,
) -> bool {
    // SAFETY: the caller's contract; variable arguments lie below the base (`frame.rs`).
    unsafe {
        let i = Insn::at(pc.sub(1));
        if i.op_byte() != Opcode::VarArg as u8 {
            return false;
        }
        let shift = (*(*vm).frame_top).varargs as usize;
        let closure: *mut LuaClosure = (*base.sub(1)).as_pointer();
        let params = (*(*closure).proto).num_params as usize;
        let available = shift - 1 - params.min(shift - 1);
        let target = slot(base, i.a().0);
        let wanted = match i.bn() {
            0 => {
                if target.add(available) > (*vm).stack_limit {
                    return false;
                }
                (*vm).top = target.add(available);
                available
            }
            b => b - 1,
        };
        let source = base.sub(shift).add(params);
        for n in 0..wanted.min(available) {
            *target.add(n) = *source.add(n);
        }
        for n in available..wanted {
            *target.add(n) = Value::NIL;
        }
        true
    }
}

/// Returns of any number of values from a plain call.
///
/// # Safety
/// The arguments are a handler's state.
#[inline(always)]
pub(super) unsafe fn return_values(
    vm: *mut Vm,
    pc: *const u64,
    base: *mut Value,
    _constants: *const Value,
) -> bool {
    // SAFETY: the caller's contract; a frame above the sentinel has a site.
    unsafe {
        let i = Insn::at(pc.sub(1));
        let frame = (*vm).frame_top;
        let site = (*frame).site;
        if (*frame).flags & !FRAME_TAIL_CALL != 0
            || (*vm).pending.load(Ordering::Relaxed) != 0
            || !matches!(
                (*site).continuation,
                Continuation::Call | Continuation::GenericFor
            )
        {
            return false;
        }
        let first = slot(base, i.a().0);
        let op = i.op_byte();
        let count = if op == Opcode::Return as u8 {
            match i.bn() {
                0 => (*vm).top.offset_from(first) as usize,
                b => b - 1,
            }
        } else if op == Opcode::Return1 as u8 {
            1
        } else if op == Opcode::Return0 as u8 {
            0
        } else {
            return false;
        };
        let function_base = base.sub((*frame).varargs as usize);
        let place = function_base.sub(1);
        move_results(vm, place, first, count, (*site).wanted);
        (*vm).frame_top = frame.sub(1);
        (*vm).base = (function_base as *mut u8).sub((*site).delta as usize) as *mut Value;
        (*vm).pc = (*site).return_pc;
        (*vm).constants = (*site).constants;
        true
    }
}
