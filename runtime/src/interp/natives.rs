//! Shortcuts between Lua code and native functions: calls that return at once, callbacks, and
//! coroutine switches.
//!
//! Each does what `call::drive` would do, transition by transition, in the cases that programs
//! spend their time on: the caller or callee is a Lua function without variable arguments, there
//! is room on the stack, and nothing is pending. Everything else goes on in `call.rs`, from the
//! point reached: a shortcut that declines has changed nothing but registers that the instruction
//! may overwrite.

use super::fast::slot;
use super::{EXIT_DONE, perform};
use crate::call::{self, move_results, pop_frame, safepoint};
use crate::error::LuaError;
use crate::frame::*;
use crate::function::{LuaClosure, NativeClosure};
use crate::machine::{Insn, Slow};
use crate::native::{Action, Call, CallResult, MIN_SLOTS, callee_flags, native_site, protect_call};
use crate::switch;
use crate::table::Table;
use crate::value::{LUA_CLOSURE, NATIVE_CLOSURE, TABLE, Value};
use crate::vm::{MAX_C_CALLS, Vm};
use perilune_frontend::bytecode::opcode::Opcode;
use std::sync::atomic::Ordering;

/// How a step of a native function ended.
type Step = Result<Action, LuaError>;

#[inline(always)]
unsafe fn is_quiet(vm: *mut Vm) -> bool {
    // SAFETY: the caller passes a live machine.
    unsafe { (*vm).pending.load(Ordering::Relaxed) == 0 }
}

/// `Call` where it is not a plain call of a Lua function; answers an exit code or 0.
///
/// # Safety
/// The arguments are a handler's state.
#[inline(never)]
pub(super) unsafe fn call(
    vm: *mut Vm,
    pc: *const u64,
    base: *mut Value,
    constants: *const Value,
) -> u64 {
    // SAFETY: the caller's contract.
    unsafe {
        let i = Insn::at(pc.sub(1));
        if i.op_byte() == Opcode::Call as u8 {
            let function = slot(base, i.a().0);
            let args = match i.bn() {
                0 => (*vm).top.offset_from(function) as usize - 1,
                b => b - 1,
            };
            if enter_native(vm, function, args, pc, constants) {
                return run(vm, 0, CallResult::Returned(0));
            }
        }
        perform(vm, pc, base, constants, Slow::Call)
    }
}

/// `GenericForCall`; answers an exit code or 0.
///
/// # Safety
/// The arguments are a handler's state.
#[inline(never)]
pub(super) unsafe fn generic_for(
    vm: *mut Vm,
    pc: *const u64,
    base: *mut Value,
    constants: *const Value,
) -> u64 {
    // SAFETY: the caller's contract; the loop's registers go up to A + 6.
    unsafe {
        let i = Insn::at(pc.sub(1));
        let a = slot(base, i.a().0);
        let is_call = i.op_byte() == Opcode::GenericForCall as u8;
        if is_call && (*a).tag == NATIVE_CLOSURE && !call::is_next(*a) {
            let function = a.add(4);
            for n in 0..3 {
                *function.add(n) = *a.add(n);
            }
            if enter_native(vm, function, 2, pc, constants) {
                return run(vm, 0, CallResult::Returned(0));
            }
        }
        perform(vm, pc, base, constants, Slow::GenericFor)
    }
}

/// `GenericForCall` by the builtin `next`: a step of a traversal without a call. Out of line, since
/// what it gets by address would keep the shim from ending in a jump.
///
/// # Safety
/// The arguments are a handler's state.
#[inline(never)]
pub(super) unsafe fn next(
    vm: *mut Vm,
    pc: *const u64,
    base: *mut Value,
    _constants: *const Value,
) -> bool {
    // SAFETY: the caller's contract; the loop's registers go up to A + 6.
    unsafe {
        let i = Insn::at(pc.sub(1));
        let a = slot(base, i.a().0);
        if i.op_byte() != Opcode::GenericForCall as u8
            || (*a).tag != NATIVE_CLOSURE
            || (*a.add(1)).tag != TABLE
            || i.bn() > 2
            || !call::is_next(*a)
        {
            return false;
        }
        let table = (*a.add(1)).as_pointer();
        let Ok(found) = Table::next(&(*vm).heap, table, *a.add(2)) else {
            return false;
        };
        let (key, v) = found.unwrap_or((Value::NIL, Value::NIL));
        *a.add(4) = key;
        if i.bn() > 1 {
            *a.add(5) = v;
        }
        true
    }
}

/// A return from a Lua function that a native one or Rust called; answers an exit code or 0.
///
/// # Safety
/// The arguments are a handler's state.
#[inline(never)]
pub(super) unsafe fn return_(
    vm: *mut Vm,
    pc: *const u64,
    base: *mut Value,
    constants: *const Value,
) -> u64 {
    // SAFETY: the caller's contract; a frame above the sentinel has a site.
    unsafe {
        let i = Insn::at(pc.sub(1));
        let frame = (*vm).frame_top;
        let site = (*frame).site;
        let special = !(FRAME_TAIL_CALL | FRAME_C_CALL | FRAME_NON_YIELDABLE);
        let first = slot(base, i.a().0);
        let op = i.op_byte();
        let count = if op == Opcode::Return1 as u8 {
            1
        } else if op == Opcode::Return0 as u8 {
            0
        } else if op == Opcode::Return as u8 {
            match i.bn() {
                0 => (*vm).top.offset_from(first) as usize,
                b => b - 1,
            }
        } else {
            return perform(vm, pc, base, constants, Slow::Return);
        };
        let continuation = (*site).continuation;
        if !matches!(continuation, Continuation::Native | Continuation::Entry)
            || (*frame).flags & special != 0
            || !is_quiet(vm)
        {
            return perform(vm, pc, base, constants, Slow::Return);
        }
        let place = base.sub(1 + (*frame).varargs as usize);
        let got = move_results(vm, place, first, count, (*site).wanted);
        pop_frame(vm);
        if continuation == Continuation::Entry {
            (*vm).base = slot(place.add(1), 0).byte_sub((*site).delta as usize);
            (*vm).pc = (*site).return_pc;
            (*vm).constants = (*site).constants;
            return EXIT_DONE;
        }
        let native_base = slot(place.add(1), 0).byte_sub((*site).delta as usize);
        (*vm).base = native_base;
        (*vm).pc = std::ptr::null();
        let native = (*vm).frame_top;
        (*native).varargs = (place.offset_from(native_base) as usize + got) as u32;
        (*native).flags &= !FRAME_PROTECTION;
        run(vm, (*site).state, CallResult::Returned(got as u32))
    }
}

/// A return of one value or none to Rust code that has called the function by [`call_slots`], if it is
/// that.
///
/// # Safety
/// The arguments are a handler's state.
///
/// [`call_slots`]: crate::from_rust::call_slots
#[inline(always)]
pub(super) unsafe fn return_to_rust(
    vm: *mut Vm,
    pc: *const u64,
    base: *mut Value,
    _constants: *const Value,
) -> bool {
    // SAFETY: the caller's contract; a coroutine's first frame, and the sentinel, have other flags.
    unsafe {
        let i = Insn::at(pc.sub(1));
        let op = i.op_byte();
        let is_one = op == Opcode::Return1 as u8;
        let frame = (*vm).frame_top;
        if !(is_one || op == Opcode::Return0 as u8)
            || (*frame).flags != FRAME_C_CALL | FRAME_NON_YIELDABLE
            || (*frame).varargs != 0
            || !is_quiet(vm)
        {
            return false;
        }
        let site = (*frame).site;
        if (*site).continuation != Continuation::Entry {
            return false;
        }
        let (thread, place) = ((*vm).thread, base.sub(1));
        if is_one {
            *place = *slot(base, i.a().0);
        }
        (*vm).top = place.add(usize::from(is_one));
        (*thread).c_calls -= 1;
        (*thread).non_yieldable -= 1;
        (*vm).frame_top = frame.sub(1);
        (*vm).base = base.byte_sub((*site).delta as usize);
        (*vm).pc = (*site).return_pc;
        (*vm).constants = (*site).constants;
        true
    }
}

/// Enters the native function at `function` from Lua code: pushes its frame, unless the call is not a
/// plain one.
#[inline(always)]
unsafe fn enter_native(
    vm: *mut Vm,
    function: *mut Value,
    args: usize,
    pc: *const u64,
    constants: *const Value,
) -> bool {
    // SAFETY: the word at pc is the instruction's call site or zero; room is checked first.
    unsafe {
        let site = *pc as *const CallSite;
        let frame = (*vm).frame_top.add(1);
        if (*function).tag != NATIVE_CLOSURE
            || site.is_null()
            || !is_quiet(vm)
            || frame > (*vm).frame_limit
            || function.wrapping_add(1 + args + MIN_SLOTS) > (*vm).stack_limit
        {
            return false;
        }
        *frame = Frame {
            site,
            varargs: args as u32,
            flags: FRAME_NATIVE,
        };
        (*vm).frame_top = frame;
        (*vm).base = function.add(1);
        (*vm).pc = std::ptr::null();
        (*vm).constants = constants;
        true
    }
}

/// Runs the native function on top, step after step, until Lua code is to go on (0) or `run` is to be
/// left (its exit code).
///
/// How a step has ended is looked at where the function has left it: copying it, just after it was
/// written in pieces, takes longer than many functions do.
#[inline(always)]
unsafe fn run(vm: *mut Vm, mut state: u32, mut result: CallResult) -> u64 {
    // SAFETY: the running frame is native, its function stands at base - 1, and the saved state is its.
    unsafe {
        loop {
            let closure: *mut NativeClosure = (*(*vm).base.sub(1)).as_pointer();
            let mut call = Call::new(vm, state, result);
            let step: Step = ((*closure).function)(&mut call);
            let again = match &step {
                Ok(Action::Return { first, count }) => {
                    if return_to_lua(vm, *first, *count as usize) {
                        return safepoint(vm);
                    }
                    None
                }
                Ok(Action::Call {
                    function,
                    args,
                    results,
                    state,
                }) => {
                    if enter_lua(vm, *function, *args as usize, *results, *state) {
                        return safepoint(vm);
                    }
                    None
                }
                Ok(Action::ProtectedCall {
                    function,
                    args,
                    handler,
                    state,
                }) => {
                    protect_call(vm, *function, *handler, *state);
                    if enter_lua(vm, *function, *args as usize, -1, *state) {
                        return safepoint(vm);
                    }
                    None
                }
                Ok(Action::Resume {
                    thread,
                    args,
                    state,
                }) if is_quiet(vm) => switch::resume_yielded(vm, *thread, *args, *state),
                Ok(Action::Yield {
                    first,
                    count,
                    state,
                }) if is_quiet(vm) => switch::yield_to_resumer(vm, *first, *count, *state),
                _ => None,
            };
            match again {
                Some((next, count)) => (state, result) = (next, CallResult::Returned(count)),
                None => return call::go_on(vm, step),
            }
        }
    }
}

/// The native function on top returns to the Lua code that called it.
#[inline(always)]
unsafe fn return_to_lua(vm: *mut Vm, first: u32, count: usize) -> bool {
    // SAFETY: the running frame is native and has a site.
    unsafe {
        let frame = (*vm).frame_top;
        let site = (*frame).site;
        let ordinary = (1 << FRAME_USER_SHIFT) - 1;
        if (*frame).flags & ordinary != FRAME_NATIVE
            || !is_quiet(vm)
            || !matches!(
                (*site).continuation,
                Continuation::Call | Continuation::GenericFor
            )
        {
            return false;
        }
        let base = (*vm).base;
        move_results(
            vm,
            base.sub(1),
            base.add(first as usize - 1),
            count,
            (*site).wanted,
        );
        (*vm).frame_top = frame.sub(1);
        (*vm).base = base.byte_sub((*site).delta as usize);
        (*vm).pc = (*site).return_pc;
        (*vm).constants = (*site).constants;
        true
    }
}

/// The native function on top calls the function in slot `function`, a Lua function without
/// variable arguments, and goes on in `state`.
#[inline(always)]
unsafe fn enter_lua(vm: *mut Vm, function: u32, args: usize, results: i32, state: u32) -> bool {
    // SAFETY: the slots exist (`Call` keeps them in range); room is checked before any write.
    unsafe {
        let function = (*vm).base.add(function as usize - 1);
        if (*function).tag != LUA_CLOSURE || !is_quiet(vm) {
            return false;
        }
        let proto = (*(*function).as_pointer::<LuaClosure>()).proto;
        let thread = (*vm).thread;
        let frame = (*vm).frame_top.add(1);
        let registers = args.max((*proto).max_stack as usize);
        if (*proto).is_vararg
            || frame > (*vm).frame_limit
            || (*thread).c_calls + 1 >= MAX_C_CALLS
            || function.wrapping_add(1 + registers) > (*vm).stack_limit
        {
            return false;
        }
        let flags = callee_flags(vm);
        let site = native_site(vm, function, results, Continuation::Native, state);
        for n in args..(*proto).num_params as usize {
            *function.add(1 + n) = Value::NIL;
        }
        (*thread).c_calls += 1;
        (*thread).non_yieldable += u32::from(flags & FRAME_NON_YIELDABLE != 0);
        *frame = Frame {
            site,
            varargs: 0,
            flags,
        };
        (*vm).frame_top = frame;
        (*vm).base = function.add(1);
        (*vm).pc = (*proto).entry;
        (*vm).constants = (*proto).constants_start;
        true
    }
}
