//! Calls and returns: the transitions between functions, without Rust recursion.
//!
//! Whatever can change the running function answers a [`Next`]; [`drive`] performs transitions
//! until Lua code is to go on or `run` is to be left. Native functions are run here step by step.
//!
//! Invariants:
//! - A frame with `FRAME_C_CALL` or `FRAME_NON_YIELDABLE` has its thread's counters raised; they
//!   are lowered where frames are popped, in [`pop_frame`] alone.
//! - A native frame's `varargs` is its number of slots in use.

use crate::close;
use crate::coroutine::Thread;
use crate::error::{LuaError, Result};
use crate::frame::*;
use crate::function::{Intrinsic, LuaClosure, NativeClosure};
use crate::hook;
use crate::interp::{EXIT_DONE, EXIT_SWITCH};
use crate::metatable::{Event, metamethod};
use crate::native::{CallResult, MIN_SLOTS};
use crate::stack;
use crate::value::{self, Value};
use crate::vm::{MAX_C_CALLS, Vm, pending};
use std::sync::atomic::Ordering;

/// What happens next.
#[derive(Debug)]
pub enum Next {
    /// The current instruction is complete (slow paths only).
    Done,
    /// Lua code goes on from the saved state.
    Continue,
    /// A value is called.
    Call {
        /// Where it stands; the arguments follow.
        function: *mut Value,
        /// How many arguments.
        args: usize,
        /// Where it returns.
        site: *const CallSite,
        /// `FRAME_*` bits of the new frame.
        flags: u32,
    },
    /// A value is called in place of the running Lua function.
    TailCall {
        /// Where it stands; the arguments follow.
        function: *mut Value,
        /// How many arguments.
        args: usize,
    },
    /// The running function returns.
    Return {
        /// The first value.
        first: *mut Value,
        /// How many.
        count: usize,
    },
    /// The native function on top runs a step.
    Step {
        /// Its state.
        state: u32,
        /// How its last action went.
        result: CallResult,
    },
    /// An error is raised at the saved state.
    Raise(LuaError),
    /// An error whose handler has been called unwinds.
    Unwind(LuaError),
    /// `run` is left.
    Exit(u64),
}

/// Performs transitions until Lua code is to go on (0) or `run` is to be left (its exit code).
///
/// # Safety
/// The saved state is right for `next`.
pub(crate) unsafe fn drive(vm: *mut Vm, mut next: Next) -> u64 {
    loop {
        // SAFETY: every transition leaves the saved state right for the next one.
        let result = unsafe {
            match next {
                Next::Done | Next::Continue => return 0,
                Next::Exit(code) => return code,
                Next::Call {
                    function,
                    args,
                    site,
                    flags,
                } => call(vm, function, args, site, flags),
                Next::TailCall { function, args } => tail_call(vm, function, args),
                Next::Return { first, count } => return_and_step(vm, first, count),
                Next::Step { state, result } => crate::native::run_step(vm, state, result),
                Next::Raise(error) => Ok(crate::protect::raise(vm, error)),
                Next::Unwind(error) => crate::protect::unwind(vm, error),
            }
        };
        // The usual outcome is tested for by itself: moving a whole `Next` that was just written
        // in pieces costs more than many native functions do.
        next = match result {
            Ok(Next::Continue | Next::Done) => return 0,
            Ok(next) => next,
            Err(error) => Next::Raise(error),
        };
    }
}

/// The running function returns; if to a native function, that runs its next step.
#[inline]
unsafe fn return_and_step(vm: *mut Vm, first: *mut Value, count: usize) -> Result<Next> {
    // SAFETY: the caller's contract (see `drive`).
    unsafe {
        match finish_return(vm, first, count) {
            Ok(Next::Step { state, result }) => crate::native::run_step(vm, state, result),
            other => other,
        }
    }
}

/// Calls a native function from Lua code: its first step, and the return if that is all.
///
/// # Safety
/// As for `Next::Call`, with a native closure at `function`.
pub(crate) unsafe fn call_native(
    vm: *mut Vm,
    function: *mut Value,
    args: usize,
    site: *const CallSite,
) -> Result<Next> {
    // SAFETY: the caller's contract.
    unsafe {
        enter_native(vm, function, args, site, 0)?;
        crate::native::run_step(vm, 0, CallResult::Returned(0))
    }
}

/// Goes on after the first step of a native function, which is on top, did not simply return.
///
/// # Safety
/// The saved state is that of the native function.
#[cfg(threaded)]
#[cold]
pub(crate) unsafe fn go_on(vm: *mut Vm, action: Result<crate::native::Action>) -> u64 {
    // SAFETY: the caller's contract.
    unsafe {
        let next = match action.and_then(|action| crate::native::after_step(vm, action)) {
            Ok(next) => next,
            Err(error) => Next::Raise(error),
        };
        let code = drive(vm, next);
        if code != 0 { code } else { safepoint(vm) }
    }
}

/// Between two instructions of Lua code: collects if it is time, and asks for a change of loop
/// when a hook was set, or fuel given.
///
/// # Safety
/// The saved state is that between two instructions.
#[inline]
pub(crate) unsafe fn safepoint(vm: *mut Vm) -> u64 {
    // SAFETY: the caller's contract.
    unsafe {
        if (*vm).heap.needs_step() && !has_open_results(vm) {
            crate::collect::step(vm);
        }
        let is_hooked = (*vm).pending.load(Ordering::Relaxed) & pending::HOOK != 0;
        if is_hooked || (*vm).runs_with_fuel != (*vm).has_fuel {
            EXIT_SWITCH
        } else {
            0
        }
    }
}

/// Whether the next instruction takes values up to `top`: they lie outside the registers that the
/// collector visits, so it waits until that instruction has used them.
///
/// # Safety
/// The saved state is that between two instructions of Lua code.
pub(crate) unsafe fn has_open_results(vm: *mut Vm) -> bool {
    use perilune_frontend::bytecode::instruction::Instruction;
    use perilune_frontend::bytecode::opcode::Opcode::*;
    // SAFETY: the saved pc is at an instruction.
    unsafe {
        let i = Instruction(*(*vm).pc);
        i.b() == 0
            && matches!(
                i.opcode(),
                Some(Call | TailCall | Return | ReturnClose | SetList)
            )
    }
}

/// Makes sure that `count` slots from `function` on are usable; answers where `function` is now.
unsafe fn ensure_above(vm: *mut Vm, function: *mut Value, count: usize) -> Result<*mut Value> {
    // SAFETY: `function` lies in the running thread's stack; in a tail call, one below the base.
    unsafe {
        let offset = function.offset_from((*vm).base);
        stack::ensure(vm, count.saturating_add_signed(offset))?;
        Ok((*vm).base.offset(offset))
    }
}

/// Calls a value: enters a Lua function, or asks for the first step of a native one.
///
/// # Safety
/// As for `Next::Call`.
pub(crate) unsafe fn call(
    vm: *mut Vm,
    mut function: *mut Value,
    mut args: usize,
    site: *const CallSite,
    flags: u32,
) -> Result<Next> {
    // SAFETY: the caller's contract (see `drive`).
    unsafe {
        loop {
            match (*function).tag {
                value::LUA_CLOSURE => {
                    let closure = (*function).as_pointer();
                    enter_lua(vm, function, closure, args, site, flags)?;
                    return hook::after_entering(vm, false);
                }
                value::NATIVE_CLOSURE => {
                    enter_native(vm, function, args, site, flags)?;
                    return Ok(Next::Step {
                        state: 0,
                        result: CallResult::Returned(0),
                    });
                }
                _ => function = prepend_call_metamethod(vm, function, args)?,
            }
            args += 1;
        }
    }
}

/// Replaces a called value that is no function by its `__call` metamethod, with the value as first
/// argument.
unsafe fn prepend_call_metamethod(
    vm: *mut Vm,
    function: *mut Value,
    args: usize,
) -> Result<*mut Value> {
    // SAFETY: the arguments follow `function`; one more slot is ensured.
    unsafe {
        // A chain of these grows the stack by one slot at a time: long before it overflows, the user
        // may lose patience.
        crate::interrupt::check(vm)?;
        let handler = metamethod(&*vm, *function, Event::Call);
        if handler.is_nil() {
            return Err(crate::debug::call_error(&mut *vm, *function));
        }
        let function = ensure_above(vm, function, args + 2)?;
        for n in (0..=args).rev() {
            *function.add(n + 1) = *function.add(n);
        }
        *function = handler;
        Ok(function)
    }
}

/// Refuses a call that would make the number of nested C calls `count`. Some more calls than
/// [`MAX_C_CALLS`] may nest, for the handler of the error that this raises.
#[inline]
pub(crate) unsafe fn check_c_calls(vm: *mut Vm, count: u32) -> Result<()> {
    // SAFETY: the running thread is live.
    unsafe {
        if count == MAX_C_CALLS {
            // Until the error is raised the call counts, so that its handler finds room above.
            (*(*vm).thread).c_calls = count;
            return Err((*vm).runtime_error("C stack overflow"));
        }
        if count >= MAX_C_CALLS / 10 * 11 {
            return Err(crate::protect::error_in_error(&mut *vm));
        }
        Ok(())
    }
}

/// Raises the thread's counters for a frame with `flags`.
#[inline]
unsafe fn count_call(vm: *mut Vm, flags: u32) -> Result<()> {
    // SAFETY: the running thread is live.
    unsafe {
        if flags & (FRAME_C_CALL | FRAME_NON_YIELDABLE) == 0 {
            return Ok(());
        }
        let thread = (*vm).thread;
        if flags & FRAME_C_CALL != 0 {
            check_c_calls(vm, (*thread).c_calls + 1)?;
            (*thread).c_calls += 1;
        }
        if flags & FRAME_NON_YIELDABLE != 0 {
            (*thread).non_yieldable += 1;
        }
        Ok(())
    }
}

/// Pops the running frame, lowering the thread's counters.
///
/// # Safety
/// There is a frame above the sentinel; the caller restores base, pc and constants.
pub(crate) unsafe fn pop_frame(vm: *mut Vm) {
    // SAFETY: the caller's contract.
    unsafe {
        let flags = (*(*vm).frame_top).flags;
        (*vm).frame_top = (*vm).frame_top.sub(1);
        if flags & (FRAME_C_CALL | FRAME_NON_YIELDABLE) != 0 {
            let thread: *mut Thread = (*vm).thread;
            if flags & FRAME_C_CALL != 0 {
                (*thread).c_calls -= 1;
            }
            if flags & FRAME_NON_YIELDABLE != 0 {
                (*thread).non_yieldable -= 1;
            }
        }
    }
}

unsafe fn enter_lua(
    vm: *mut Vm,
    function: *mut Value,
    closure: *mut LuaClosure,
    args: usize,
    site: *const CallSite,
    flags: u32,
) -> Result<()> {
    // SAFETY: the arguments follow `function`; room is ensured before anything is written.
    unsafe {
        let proto = (*closure).proto;
        let params = (*proto).num_params as usize;
        let shift = if (*proto).is_vararg { args + 1 } else { 0 };
        let function = ensure_above(
            vm,
            function,
            1 + shift + args.max((*proto).max_stack as usize),
        )?;
        count_call(vm, flags)?;
        stack::push_frame(
            vm,
            Frame {
                site,
                varargs: shift as u32,
                flags,
            },
        )
        .inspect_err(|_| uncount(vm, flags))?;
        for n in args..params {
            *function.add(1 + n) = Value::NIL;
        }
        if shift > 0 {
            let moved = function.add(shift);
            *moved = *function;
            for n in 0..params {
                *moved.add(1 + n) = if n < args {
                    *function.add(1 + n)
                } else {
                    Value::NIL
                };
                if n < args {
                    *function.add(1 + n) = Value::NIL;
                }
            }
        }
        (*vm).base = function.add(1 + shift);
        (*vm).pc = (*proto).entry;
        (*vm).constants = (*proto).constants_start;
        Ok(())
    }
}

unsafe fn uncount(vm: *mut Vm, flags: u32) {
    // SAFETY: the running thread is live.
    unsafe {
        if flags & FRAME_C_CALL != 0 {
            (*(*vm).thread).c_calls -= 1;
        }
        if flags & FRAME_NON_YIELDABLE != 0 {
            (*(*vm).thread).non_yieldable -= 1;
        }
    }
}

unsafe fn enter_native(
    vm: *mut Vm,
    function: *mut Value,
    args: usize,
    site: *const CallSite,
    flags: u32,
) -> Result<()> {
    // SAFETY: the arguments follow `function`; room is ensured before anything is written.
    unsafe {
        let function = ensure_above(vm, function, 1 + args + MIN_SLOTS)?;
        count_call(vm, flags)?;
        let frame = Frame {
            site,
            varargs: args as u32,
            flags: flags | FRAME_NATIVE,
        };
        stack::push_frame(vm, frame).inspect_err(|_| uncount(vm, flags))?;
        (*vm).base = function.add(1);
        (*vm).pc = std::ptr::null();
        if (*vm).pending.load(Ordering::Relaxed) & pending::HOOK != 0 {
            hook::call_event(vm, false)?;
        }
        Ok(())
    }
}

unsafe fn tail_call(vm: *mut Vm, mut function: *mut Value, mut args: usize) -> Result<Next> {
    // SAFETY: the running function is a Lua function; its frame is replaced.
    unsafe {
        while !(*function).is_function() {
            function = prepend_call_metamethod(vm, function, args)?;
            args += 1;
        }
        if (*function).tag == value::NATIVE_CLOSURE {
            // As in PUC Lua, a native function is called and its results are returned: a frame
            // of its own, whose site returns them all from here.
            return tail_call_native(vm, function, args);
        }
        let closure: *mut LuaClosure = (*function).as_pointer();
        let proto = (*closure).proto;
        let shift = if (*proto).is_vararg { args + 1 } else { 0 };
        let function = ensure_above(
            vm,
            function,
            1 + shift + args.max((*proto).max_stack as usize),
        )?;
        let frame = *(*vm).frame_top;
        let target = (*vm).base.sub(1 + frame.varargs as usize);
        for n in 0..=args {
            *target.add(n) = *function.add(n);
        }
        (*vm).frame_top = (*vm).frame_top.sub(1);
        // The counters stay raised: the flags move on to the new frame.
        let kept = FRAME_HANDLER | FRAME_HOOK | FRAME_FINALIZER;
        let flags = frame.flags & (FRAME_C_CALL | FRAME_NON_YIELDABLE | kept);
        (*vm).base = target.add(1);
        enter_lua_again(
            vm,
            target,
            closure,
            args,
            frame.site,
            flags | FRAME_TAIL_CALL,
        )?;
        hook::after_entering(vm, true)
    }
}

/// As `enter_lua` with room and counters already seen to.
unsafe fn enter_lua_again(
    vm: *mut Vm,
    function: *mut Value,
    closure: *mut LuaClosure,
    args: usize,
    site: *const CallSite,
    flags: u32,
) -> Result<()> {
    // SAFETY: see `tail_call`.
    unsafe {
        let counted = flags & (FRAME_C_CALL | FRAME_NON_YIELDABLE);
        enter_lua(vm, function, closure, args, site, flags & !counted)?;
        (*(*vm).frame_top).flags |= counted;
        Ok(())
    }
}

unsafe fn tail_call_native(vm: *mut Vm, function: *mut Value, args: usize) -> Result<Next> {
    // SAFETY: the call site returns to the same instruction's successor: a `Return` with B = 0.
    unsafe {
        let site = crate::interp::tail_call_site(vm, function);
        Ok(Next::Call {
            function,
            args,
            site,
            flags: 0,
        })
    }
}

/// The running function returns `count` values from `first` on: pops its frame and does what its
/// call site says.
///
/// # Safety
/// The values are in the running frame.
pub(crate) unsafe fn finish_return(vm: *mut Vm, first: *mut Value, count: usize) -> Result<Next> {
    // SAFETY: the running frame has a call site.
    unsafe {
        let (mut first, count) = (first, count);
        if (*vm).pending.load(Ordering::Relaxed) & pending::HOOK != 0 {
            first = hook::return_event(vm, first, count)?;
        }
        let frame = *(*vm).frame_top;
        let site = frame.site;
        let shift = if frame.flags & FRAME_NATIVE != 0 {
            0
        } else {
            frame.varargs as usize
        };
        let place = (*vm).base.sub(1 + shift);
        if (*site).continuation == Continuation::CoroutineEnd {
            return crate::switch::finish(vm, first, count);
        }
        pop_frame(vm);
        (*vm).base = (place.add(1) as *mut u8).sub((*site).delta as usize) as *mut Value;
        (*vm).pc = (*site).return_pc;
        (*vm).constants = (*site).constants;
        match (*site).continuation {
            Continuation::Call | Continuation::GenericFor => {
                move_results(vm, place, first, count, (*site).wanted);
                Ok(Next::Continue)
            }
            Continuation::TailReturn => {
                for n in 0..count {
                    *place.add(n) = *first.add(n);
                }
                Ok(Next::Return {
                    first: place,
                    count,
                })
            }
            Continuation::Store => {
                let v = if count > 0 { *first } else { Value::NIL };
                *((*vm).base as *mut u8)
                    .add((*site).destination as usize)
                    .cast::<Value>() = v;
                Ok(Next::Continue)
            }
            Continuation::Discard => Ok(Next::Continue),
            Continuation::Branch => {
                let truth = count > 0 && (*first).is_truthy();
                if truth == (*site).condition {
                    (*vm).pc = (*site).target;
                }
                Ok(Next::Continue)
            }
            Continuation::Concat => {
                let v = if count > 0 { *first } else { Value::NIL };
                *((*vm).base as *mut u8)
                    .add((*site).destination as usize)
                    .cast::<Value>() = v;
                (*vm).pc = (*site).instruction.add(1);
                match crate::interp::continue_concat(vm, (*site).state as usize)? {
                    Next::Done => {
                        (*vm).pc = (*site).return_pc;
                        Ok(Next::Continue)
                    }
                    next => Ok(next),
                }
            }
            Continuation::Native => {
                let got = move_results(vm, place, first, count, (*site).wanted);
                let slots = place.offset_from((*vm).base) as usize + got;
                (*(*vm).frame_top).varargs = slots as u32;
                (*(*vm).frame_top).flags &= !FRAME_PROTECTION;
                Ok(Next::Step {
                    state: (*site).state,
                    result: CallResult::Returned(got as u32),
                })
            }
            Continuation::NativeStore => Ok(crate::native::after_metamethod(
                vm, site, place, first, count,
            )),
            Continuation::Entry => {
                move_results(vm, place, first, count, -1);
                Ok(Next::Exit(EXIT_DONE))
            }
            // Re-execute the instruction that closes.
            Continuation::Close | Continuation::CloseReturn => {
                close::after_handler(vm, place, site)
            }
            Continuation::CloseError => close::after_error_handler(vm, place, site),
            Continuation::CoroutineEnd => Ok(Next::Continue),
        }
    }
}

/// Moves `count` results to where `wanted` of them (-1: all, up to `top`) are expected; answers how
/// many there are then.
///
/// # Safety
/// The results lie above `place` in the stack, or there are none; wanted ones fit the caller's
/// registers or slots.
#[inline(always)]
pub(crate) unsafe fn move_results(
    vm: *mut Vm,
    place: *mut Value,
    first: *mut Value,
    count: usize,
    wanted: i32,
) -> usize {
    // SAFETY: the caller's contract.
    unsafe {
        if wanted < 0 {
            for n in 0..count {
                *place.add(n) = *first.add(n);
            }
            (*vm).top = place.add(count);
            return count;
        }
        let wanted = wanted as usize;
        for n in 0..wanted.min(count) {
            *place.add(n) = *first.add(n);
        }
        for n in count..wanted {
            *place.add(n) = Value::NIL;
        }
        wanted
    }
}

/// Whether `v` is the builtin `next`.
pub(crate) unsafe fn is_next(v: Value) -> bool {
    // SAFETY: the caller passes a live native closure.
    unsafe {
        let closure: *mut NativeClosure = v.as_pointer();
        (*closure).description.intrinsic == Some(Intrinsic::Next)
    }
}
