//! Running native functions: one step after the other, and the actions between them.

use super::site::{native_site, native_store_site};
use super::{Action, CALLERS_HANDLER, Call, CallResult};
use crate::call::Next;
use crate::collect;
use crate::error::Result;
use crate::frame::*;
use crate::function::NativeClosure;
use crate::interp::{self, Found};
use crate::interrupt;
use crate::metatable::{Event, metamethod};
use crate::switch;
use crate::table::Table;
use crate::value::{self, Value};
use crate::vm::{Vm, pending};
use std::sync::atomic::Ordering;

/// Runs the native function on top from `state` on, until it waits for something or returns.
///
/// # Errors
/// What the function raises.
///
/// # Safety
/// The running frame is native and its function stands at base - 1.
pub(crate) unsafe fn run_step(vm: *mut Vm, mut state: u32, mut result: CallResult) -> Result<Next> {
    // SAFETY: the caller's contract.
    unsafe {
        loop {
            let closure: *mut NativeClosure = (*(*vm).base.sub(1)).as_pointer();
            let mut step = Call::new(vm, state, result);
            // A plain return is tested for by itself: see `drive`.
            let outcome = match &((*closure).function)(&mut step) {
                Ok(Action::Return { first, count }) => {
                    return crate::call::finish_return(vm, slot(vm, *first), *count as usize);
                }
                Ok(Action::Call {
                    function,
                    args,
                    results,
                    state,
                }) => return call(vm, slot(vm, *function), *args, *results, *state),
                Ok(action) => perform(vm, action),
                Err(error) => return Err(*error),
            };
            match outcome {
                Err(error) => return Err(error),
                Ok(Outcome::Next(Next::Continue)) => return Ok(Next::Continue),
                Ok(Outcome::Next(next)) => return Ok(next),
                Ok(Outcome::Again(next_state, next_result)) => {
                    if (*vm).pending.load(Ordering::Relaxed) & pending::EVENTS != 0 {
                        interrupt::check(vm)?;
                    }
                    (state, result) = (next_state, next_result);
                }
            }
        }
    }
}

/// Performs the action with which the first step of the native function on top has ended.
///
/// # Errors
/// What the action raises.
///
/// # Safety
/// As [`run_step`].
#[cfg(threaded)]
pub(crate) unsafe fn after_step(vm: *mut Vm, action: Action) -> Result<Next> {
    // SAFETY: the caller's contract.
    unsafe {
        match perform(vm, &action)? {
            Outcome::Next(next) => Ok(next),
            Outcome::Again(state, result) => {
                if (*vm).pending.load(Ordering::Relaxed) & pending::EVENTS != 0 {
                    interrupt::check(vm)?;
                }
                Ok(Next::Step { state, result })
            }
        }
    }
}

enum Outcome {
    /// The action is complete: run the function in this state.
    Again(u32, CallResult),
    /// Something else runs first.
    Next(Next),
}

unsafe fn slot(vm: *mut Vm, n: u32) -> *mut Value {
    // SAFETY: slots of a native frame are numbered from 1.
    unsafe { (*vm).base.add(n as usize - 1) }
}

#[inline(never)]
unsafe fn perform(vm: *mut Vm, action: &Action) -> Result<Outcome> {
    // SAFETY: the running frame is native; `Call` keeps slots in range.
    unsafe {
        Ok(match *action {
            Action::Return { first, count } => Outcome::Next(Next::Return {
                first: slot(vm, first),
                count: count as usize,
            }),
            Action::Call {
                function,
                args,
                results,
                state,
            } => Outcome::Next(call(vm, slot(vm, function), args, results, state)?),
            Action::ProtectedCall {
                function,
                args,
                handler,
                state,
            } => {
                protect_call(vm, function, handler, state);
                Outcome::Next(call(vm, slot(vm, function), args, -1, state)?)
            }
            Action::TailCall { function, args } => {
                let site = native_site(vm, slot(vm, function), -1, Continuation::TailReturn, 0);
                let flags = callee_flags(vm);
                let function = slot(vm, function);
                Outcome::Next(Next::Call {
                    function,
                    args: args as usize,
                    site,
                    flags,
                })
            }
            Action::Index {
                object,
                key,
                target,
                state,
            } => {
                let (o, k) = (*slot(vm, object), *slot(vm, key));
                match interp::index_value(&mut *vm, o, k)? {
                    Found::Value(v) => {
                        store(vm, target, v);
                        Outcome::Again(state, CallResult::Returned(1))
                    }
                    Found::Metamethod(function, o) => {
                        metamethod_call(vm, function, &[o, k], Some(target), state)?
                    }
                }
            }
            Action::SetIndex {
                object,
                key,
                value,
                state,
            } => {
                let (o, k, v) = (*slot(vm, object), *slot(vm, key), *slot(vm, value));
                match interp::set_index_value(&mut *vm, o, k, v, false)? {
                    None => Outcome::Again(state, CallResult::Returned(0)),
                    Some((function, o)) => metamethod_call(vm, function, &[o, k, v], None, state)?,
                }
            }
            Action::Length {
                object,
                target,
                state,
            } => {
                let o = *slot(vm, object);
                let function = metamethod(&*vm, o, Event::Len);
                if o.tag != value::STRING && !function.is_nil() {
                    return metamethod_call(vm, function, &[o, o], Some(target), state);
                }
                let length = match o.view() {
                    value::View::String(s) => (*s).len as i64,
                    value::View::Table(t) => Table::border(t),
                    _ => return Err(crate::debug::operand_error(vm, o, "get length of")),
                };
                store(vm, target, Value::integer(length));
                Outcome::Again(state, CallResult::Returned(1))
            }
            Action::Less {
                left,
                right,
                target,
                state,
            } => less(vm, *slot(vm, left), *slot(vm, right), target, state)?,
            Action::Arithmetic {
                event,
                left,
                right,
                target,
                state,
            } => {
                let (a, b) = (*slot(vm, left), *slot(vm, right));
                arithmetic(vm, event, a, b, target, state)?
            }
            Action::Collect { full, step, state } => {
                let ended = if full {
                    collect::full(vm);
                    true
                } else {
                    collect::explicit_step(vm, step as i64)
                };
                Outcome::Again(state, CallResult::Returned(ended as u32))
            }
            Action::SetCollectorMode {
                generational,
                parameters: [first, second, third],
                state,
            } => {
                let before = if generational {
                    collect::set_generational(vm, first, second)
                } else {
                    collect::set_incremental(vm, first, second, third)
                };
                let was_generational = before == crate::gc::Mode::Generational;
                Outcome::Again(state, CallResult::Returned(was_generational as u32))
            }
            Action::Resume {
                thread,
                args,
                state,
            } => Outcome::Next(switch::resume(vm, thread, args, state)?),
            Action::Yield {
                first,
                count,
                state,
            } => Outcome::Next(switch::yield_(vm, first, count, state)?),
            Action::CloseThread { thread, state } => {
                Outcome::Next(switch::close_thread(vm, thread, state)?)
            }
        })
    }
}

/// Makes the native frame on top catch errors of the function that it calls from slot `function`,
/// and go on in `state` then; `handler` as in [`Action::ProtectedCall`].
///
/// # Safety
/// The running frame is native.
#[inline(always)]
pub(crate) unsafe fn protect_call(vm: *mut Vm, function: u32, handler: u32, state: u32) {
    // SAFETY: the caller's contract.
    unsafe {
        let frame = (*vm).frame_top;
        let handler = match handler {
            0 => 0,
            CALLERS_HANDLER => FRAME_HEARD_OUTSIDE,
            _ => FRAME_HAS_HANDLER,
        };
        let kept = (*frame).flags & ((1 << FRAME_USER_SHIFT) - 1);
        (*frame).flags = kept | FRAME_PROTECTED | handler | state << FRAME_USER_SHIFT;
        // Where the error goes when the call fails before it has a frame.
        (*frame).varargs = function;
    }
}

/// Flags of a frame that the native function on top calls.
///
/// # Safety
/// The running frame is native.
#[inline(always)]
pub(crate) unsafe fn callee_flags(vm: *mut Vm) -> u32 {
    // SAFETY: the running function is a native closure.
    unsafe {
        let closure: *mut NativeClosure = (*(*vm).base.sub(1)).as_pointer();
        let blocks = !(*closure).description.yieldable;
        FRAME_C_CALL | if blocks { FRAME_NON_YIELDABLE } else { 0 }
    }
}

unsafe fn call(
    vm: *mut Vm,
    function: *mut Value,
    args: u32,
    results: i32,
    state: u32,
) -> Result<Next> {
    // SAFETY: see `perform`.
    unsafe {
        let site = native_site(vm, function, results, Continuation::Native, state);
        let flags = callee_flags(vm);
        if (*function).tag == value::LUA_CLOSURE {
            return crate::call::call(vm, function, args as usize, site, flags);
        }
        Ok(Next::Call {
            function,
            args: args as usize,
            site,
            flags,
        })
    }
}

/// Stores a result in slot `target`, which may be one past the slots in use.
unsafe fn store(vm: *mut Vm, target: u32, v: Value) {
    // SAFETY: natives have free slots above those in use.
    unsafe {
        *slot(vm, target) = v;
        let frame = (*vm).frame_top;
        (*frame).varargs = (*frame).varargs.max(target);
    }
}

/// Calls a metamethod for the native function on top. The call is made above its slots by way of
/// `forward`, whose step moves the result to `target`.
unsafe fn metamethod_call(
    vm: *mut Vm,
    function: Value,
    args: &[Value],
    target: Option<u32>,
    state: u32,
) -> Result<Outcome> {
    // SAFETY: see `perform`; room is ensured.
    unsafe {
        let used = (*(*vm).frame_top).varargs;
        let place = used.max(target.unwrap_or(0)) + 1;
        crate::stack::ensure(vm, place as usize + args.len() + 1)?;
        for n in used..place - 1 {
            *slot(vm, n + 1) = Value::NIL;
        }
        let at = slot(vm, place);
        *at = function;
        for (n, arg) in args.iter().enumerate() {
            *at.add(1 + n) = *arg;
        }
        let continuation = match target {
            Some(_) => Continuation::NativeStore,
            None => Continuation::Native,
        };
        let destination = target.unwrap_or(0);
        let site = native_store_site(vm, at, continuation, destination, state);
        let flags = callee_flags(vm);
        Ok(Outcome::Next(Next::Call {
            function: at,
            args: args.len(),
            site,
            flags,
        }))
    }
}

unsafe fn less(vm: *mut Vm, a: Value, b: Value, target: u32, state: u32) -> Result<Outcome> {
    // SAFETY: see `perform`.
    unsafe {
        if let Some(less) = interp::less_values(a, b) {
            store(vm, target, Value::boolean(less));
            return Ok(Outcome::Again(state, CallResult::Returned(1)));
        }
        let mut function = metamethod(&*vm, a, Event::Lt);
        if function.is_nil() {
            function = metamethod(&*vm, b, Event::Lt);
        }
        if function.is_nil() {
            return Err(crate::debug::compare_error(vm, a, b));
        }
        metamethod_call(vm, function, &[a, b], Some(target), state)
    }
}

unsafe fn arithmetic(
    vm: *mut Vm,
    event: Event,
    a: Value,
    b: Value,
    target: u32,
    state: u32,
) -> Result<Outcome> {
    // SAFETY: see `perform`.
    unsafe {
        if let Some(v) = interp::arithmetic_values(&mut *vm, event, a, b)? {
            store(vm, target, v);
            return Ok(Outcome::Again(state, CallResult::Returned(1)));
        }
        let mut function = metamethod(&*vm, a, event);
        if function.is_nil() {
            function = metamethod(&*vm, b, event);
        }
        if function.is_nil() {
            return Err(crate::debug::arithmetic_error(vm, event, a, b));
        }
        metamethod_call(vm, function, &[a, b], Some(target), state)
    }
}

/// A metamethod called for a native function has returned `count` values from `first` on.
///
/// # Safety
/// The running frame is the native one.
pub(crate) unsafe fn after_metamethod(
    vm: *mut Vm,
    site: *const CallSite,
    place: *mut Value,
    first: *mut Value,
    count: usize,
) -> Next {
    // SAFETY: the site's destination is a slot of the running frame.
    unsafe {
        let v = if count > 0 { *first } else { Value::NIL };
        let slots = place.offset_from((*vm).base) as u32;
        (*(*vm).frame_top).varargs = slots;
        store(vm, (*site).destination, v);
        Next::Step {
            state: (*site).state,
            result: CallResult::Returned(1),
        }
    }
}
