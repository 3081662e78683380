//! Raising and catching errors: from where one is raised to the frame that catches it.
//!
//! An error is caught by a native frame in a protected call, by the bottom of a `run` invocation,
//! or by the bottom of a coroutine. Raising calls a message handler, if the catching frame has
//! one, while the frames are still there; unwinding pops them, then closes pending to-be-closed
//! variables, one handler after the other, and delivers the error.
//!
//! Invariant: an error whose object is the message of memory errors is a memory error, whoever raised it
//! and whatever it has passed ([`is_memory_error`]). So coroutines, handlers and variables that are closed
//! can't hide from who catches it what it is, and no one has to carry it along.

use crate::call::{Next, pop_frame};
use crate::close;
use crate::collect;
use crate::error::{LuaError, Result};
use crate::frame::*;
use crate::from_rust::call_from_rust;
use crate::interp::EXIT_ERROR;
use crate::native::CallResult;
use crate::stack;
use crate::switch;
use crate::value::Value;
use crate::vm::{MAX_C_CALLS, Vm};

/// The error of a failed error handling (as `LUA_ERRERR`).
pub(crate) fn error_in_error(vm: &mut Vm) -> LuaError {
    match vm.string(b"error in error handling") {
        Ok(message) => LuaError::Handled(message),
        Err(error) => error,
    }
}

/// The error object of `error`.
pub fn error_value(vm: &mut Vm, error: LuaError) -> Value {
    match error {
        LuaError::Runtime(value) | LuaError::Handled(value) => value,
        LuaError::Memory => Value::string(vm.heap.memory_error),
        LuaError::Uncatchable(_) => Value::NIL,
    }
}

/// Whether `error` says that memory ran out. Its object tells, as in PUC Lua, where who raises the message
/// raises a memory error: an error that becomes a value and is raised again keeps its kind.
pub fn is_memory_error(vm: &Vm, error: &LuaError) -> bool {
    match error {
        LuaError::Runtime(value) | LuaError::Handled(value) => {
            value.to_string_object() == Some(vm.heap.memory_error)
        }
        LuaError::Memory => true,
        LuaError::Uncatchable(_) => false,
    }
}

/// To be called when `error` has been caught and is a value: what could not be freed where memory ran out
/// is garbage now, and is collected.
///
/// # Safety
/// Called at a safepoint with the saved state up to date; the error's object is rooted.
pub unsafe fn caught(vm: *mut Vm, error: &LuaError) {
    // SAFETY: the caller's contract.
    unsafe {
        if is_memory_error(&*vm, error) {
            collect::after_memory_error(vm);
        }
    }
}

/// What catches an error.
enum Catcher {
    /// The native frame at this address, in a protected call.
    Protected(*mut Frame),
    /// The bottom of a `run` invocation or of error closing on its behalf.
    Entry,
    /// The bottom of a coroutine.
    Coroutine,
}

/// What `frame` catches errors for, unless it lets them through. Protected calls are the caller's
/// concern, because some errors pass them.
unsafe fn catches(vm: *mut Vm, frame: *mut Frame) -> Option<Catcher> {
    // SAFETY: the frame is live; every frame but the sentinel has a site.
    unsafe {
        let site = (*frame).site;
        if site.is_null() {
            // The sentinel: a coroutine whose body or `__close` handler could not be entered.
            let thread = (*vm).thread;
            return if (*thread).resumer.is_null() || (*thread).closing {
                Some(Catcher::Entry)
            } else {
                Some(Catcher::Coroutine)
            };
        }
        match (*site).continuation {
            Continuation::Entry => Some(Catcher::Entry),
            Continuation::CoroutineEnd => Some(Catcher::Coroutine),
            Continuation::CloseError if (*site).wanted != close::FOR_PROTECTED => {
                Some(Catcher::Entry)
            }
            _ => None,
        }
    }
}

/// Whether protected calls do not catch `error`, nor hear of it.
unsafe fn passes(vm: *mut Vm, error: &LuaError) -> bool {
    // SAFETY: the machine is live.
    match (error, unsafe { (*vm).passes }) {
        (LuaError::Runtime(value) | LuaError::Handled(value), Some(passes)) => passes(*value),
        _ => false,
    }
}

/// Finds what catches `error`, from the running frame down.
unsafe fn find_catcher(vm: *mut Vm, error: &LuaError) -> Catcher {
    // SAFETY: frames form a chain down to the sentinel, which catches everything.
    unsafe {
        let catchable = !matches!(error, LuaError::Uncatchable(_)) && !passes(vm, error);
        let mut frame = (*vm).frame_top;
        loop {
            if catchable && (*frame).flags & FRAME_PROTECTED != 0 {
                return Catcher::Protected(frame);
            }
            if let Some(catcher) = catches(vm, frame) {
                return catcher;
            }
            frame = frame.sub(1);
        }
    }
}

/// Who hears of an error where it is raised, before frames are popped.
enum Listener {
    /// The message handler of this frame, which is a protected call.
    Handler(*mut Frame),
    /// An embedder, who may want a traceback.
    Embedder,
    /// Nobody.
    Nobody,
}

/// Finds who hears of an error that is raised by the running frame. Errors of message handlers and
/// of hooks are those of the code that they interrupt.
unsafe fn find_listener(vm: *mut Vm) -> Listener {
    // SAFETY: frames form a chain down to the sentinel; every other frame has a site.
    unsafe {
        let mut frame = (*vm).frame_top;
        loop {
            let flags = (*frame).flags;
            if flags & FRAME_PROTECTED != 0 {
                if flags & FRAME_HAS_HANDLER != 0 {
                    return Listener::Handler(frame);
                } else if flags & FRAME_HEARD_OUTSIDE == 0 {
                    return Listener::Nobody;
                }
            }
            let interrupts = flags & (FRAME_HANDLER | FRAME_HOOK) != 0;
            match catches(vm, frame) {
                Some(Catcher::Entry) if !interrupts => return Listener::Embedder,
                Some(Catcher::Coroutine | Catcher::Protected(_)) => return Listener::Nobody,
                Some(Catcher::Entry) | None => frame = frame.sub(1),
            }
        }
    }
}

/// Raises `error` at the saved state: calls the message handler, if there is one.
///
/// # Safety
/// The saved state is up to date.
pub(crate) unsafe fn raise(vm: *mut Vm, error: LuaError) -> Next {
    // SAFETY: the caller's contract; the handler stands in slot 2 of the catching frame.
    unsafe {
        let error = crate::limit::as_raised(vm, error);
        let handled = match error {
            LuaError::Runtime(value) if !passes(vm, &error) && !is_memory_error(&*vm, &error) => {
                match find_listener(vm) {
                    Listener::Handler(frame) => call_handler(vm, frame, value),
                    Listener::Embedder => {
                        note_traceback(vm);
                        error
                    }
                    Listener::Nobody => error,
                }
            }
            _ => error,
        };
        let thread = (*vm).thread;
        if (*thread).c_calls == MAX_C_CALLS {
            // The call that was refused has counted for long enough.
            (*thread).c_calls -= 1;
        }
        Next::Unwind(handled)
    }
}

/// Stack index of the base of `frame`.
unsafe fn base_of(vm: *mut Vm, frame: *mut Frame) -> usize {
    // SAFETY: `frame` is one of the running thread's frames.
    unsafe {
        let index = frame.offset_from((*(*vm).thread).frames.as_ptr()) as usize;
        let mut base = 0;
        stack::walk(vm, (*vm).thread, |activation| {
            base = activation.base;
            activation.frame_index != index
        });
        base
    }
}

/// Calls the message handler of `frame` for `value`. Errors in it are raised there and so reach it
/// again, nested, as long as calls may nest; those that are found before it runs are given to it
/// here.
unsafe fn call_handler(vm: *mut Vm, frame: *mut Frame, value: Value) -> LuaError {
    // SAFETY: the frame is a protected call with its handler in slot 2.
    unsafe {
        let base = base_of(vm, frame);
        let handler = (&(*(*vm).thread).stack)[base + 1];
        let mut value = value;
        let thread = (*vm).thread;
        let saved = (*thread).c_calls;
        let outcome = loop {
            match call_from_rust(vm, handler, &[value], FRAME_HANDLER) {
                Ok((first, count)) => {
                    break LuaError::Handled(if count > 0 { *first } else { Value::NIL });
                }
                Err(error @ LuaError::Runtime(next)) if !is_memory_error(&*vm, &error) => {
                    value = next;
                    // In PUC Lua each of these calls nests in the one before.
                    (*thread).c_calls += 1;
                    if (*thread).c_calls >= MAX_C_CALLS / 10 * 11 {
                        break error_in_error(&mut *vm);
                    }
                }
                Err(other) => break other,
            }
        };
        (*thread).c_calls = saved;
        outcome
    }
}

/// Unwinds `error` to its catcher and delivers it, or starts the next `__close` handler on the way.
///
/// # Errors
/// A memory error on the way replaces the error.
///
/// # Safety
/// The saved state is up to date.
pub(crate) unsafe fn unwind(vm: *mut Vm, error: LuaError) -> Result<Next> {
    // SAFETY: the caller's contract.
    unsafe {
        match find_catcher(vm, &error) {
            Catcher::Coroutine => Ok(switch::die(vm, error)),
            Catcher::Protected(target) => {
                #[allow(
                    clippy::while_immutable_condition,
                    reason = "popping lowers `frame_top`"
                )]
                while (*vm).frame_top != target {
                    pop_to_caller(vm);
                }
                let (slot, state) = ((*target).varargs, state_of(target));
                close::close_for_error(vm, error, slot, state, close::FOR_PROTECTED)
            }
            Catcher::Entry => {
                let closing = (*(*vm).thread).closing;
                let mut kind = if closing {
                    close::FOR_FAILED_THREAD
                } else {
                    close::FOR_ENTRY
                };
                let mut slot = 1;
                let mut at_bottom = (*(*vm).frame_top).site.is_null();
                while !at_bottom {
                    let site = (*(*vm).frame_top).site;
                    at_bottom = match (*site).continuation {
                        Continuation::Entry => {
                            kind = close::FOR_ENTRY;
                            true
                        }
                        Continuation::CloseError => (*site).wanted != close::FOR_PROTECTED,
                        _ => false,
                    };
                    slot = slot_of(pop_to_caller(vm));
                }
                close::close_for_error(vm, error, slot, 0, kind)
            }
        }
    }
}

/// The caller's slot number in which the callee of a native frame's call stands.
unsafe fn slot_of(site: *const CallSite) -> u32 {
    // SAFETY: the site is live.
    unsafe {
        match (*site).continuation {
            Continuation::CloseError => (*site).destination,
            _ => (*site).delta / size_of::<Value>() as u32,
        }
    }
}

fn state_of(frame: *mut Frame) -> u32 {
    // SAFETY: the caller passes a live frame.
    unsafe { (*frame).flags >> FRAME_USER_SHIFT }
}

/// Pops the running frame and restores its caller's saved state; answers the site that it left.
unsafe fn pop_to_caller(vm: *mut Vm) -> *const CallSite {
    // SAFETY: the running frame has a call site.
    unsafe {
        let frame = *(*vm).frame_top;
        let shift = if frame.flags & FRAME_NATIVE != 0 {
            0
        } else {
            frame.varargs as usize
        };
        let site = frame.site;
        pop_frame(vm);
        (*vm).base = ((*vm).base.sub(shift) as *mut u8).sub((*site).delta as usize) as *mut Value;
        (*vm).pc = (*site).return_pc;
        (*vm).constants = (*site).constants;
        site
    }
}

/// Hands `error` to the native frame on top: its object goes to `slot`, and the frame goes on in
/// `state`.
///
/// # Safety
/// The running frame is the catching one.
pub(crate) unsafe fn deliver(vm: *mut Vm, error: LuaError, slot: u32, state: u32) -> Next {
    // SAFETY: the slot held the called function. When the collector runs, the error's object is in it, and the
    // saved state is that of the native frame between two steps: a safepoint.
    unsafe {
        let value = error_value(&mut *vm, error);
        *(*vm).base.add(slot as usize - 1) = value;
        (*(*vm).frame_top).varargs = slot;
        (*(*vm).frame_top).flags &= !FRAME_PROTECTION;
        stack::shrink_after_error(vm);
        caught(vm, &error);
        Next::Step {
            state,
            result: CallResult::Failed,
        }
    }
}

/// Leaves `run` with `error`.
///
/// # Safety
/// All frames of the invocation have been popped.
pub(crate) unsafe fn leave_with(vm: *mut Vm, error: LuaError) -> Next {
    // SAFETY: vm is live.
    unsafe {
        (*vm).error = Some(error);
        Next::Exit(EXIT_ERROR)
    }
}

/// Keeps the traceback of an error that will leave `run`, while its frames are still there.
///
/// # Safety
/// The saved state is up to date.
unsafe fn note_traceback(vm: *mut Vm) {
    // SAFETY: the caller's contract.
    unsafe {
        if (*vm).run_depth == 1 && (*vm).wants_traceback {
            (*vm).traceback = Some(crate::debug::traceback::traceback(
                vm,
                (*vm).thread,
                None,
                0,
            ));
        }
    }
}
