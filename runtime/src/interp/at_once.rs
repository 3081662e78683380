//! Native functions that an instruction calls as metamethods (getters and setters among them), where
//! nothing special is the matter: no event is pending, there is room on the stack, and the function
//! returns at once.
//!
//! This does what the slow path and `call::drive` would do, without their transitions. Everything else
//! goes on there, from the point reached.

use super::fast::slot;
use crate::call::{self, safepoint};
use crate::frame::*;
use crate::function::NativeClosure;
use crate::interp::slow::member_site;
use crate::native::{Action, Call, CallResult, MIN_SLOTS};
use crate::value::Value;
use crate::vm::{MAX_C_CALLS, Vm};
use std::sync::atomic::Ordering;

/// What becomes of the first result.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Outcome {
    /// It goes to the register at this byte offset.
    Store(usize),
    /// Nothing.
    Discard,
    /// The instruction jumps if it is true, or if it is not.
    Branch(bool),
}

/// The constant that an operand names.
///
/// # Safety
/// `offset` is an operand of the running function's code, which is verified.
#[inline(always)]
pub(super) unsafe fn constant(constants: *const Value, offset: usize) -> Value {
    // SAFETY: the caller's contract.
    unsafe { *constants.byte_add(offset) }
}

/// Pushes the frame of a native function that is called as a metamethod of the current instruction.
/// False when there is no room, or something else to do.
///
/// # Safety
/// The state is a handler's, `function` a live native closure, and the outcome follows from the
/// instruction.
#[inline(always)]
pub(super) unsafe fn enter(
    vm: *mut Vm,
    pc: *const u64,
    base: *mut Value,
    constants: *const Value,
    function: Value,
    args: &[Value],
    outcome: Outcome,
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
        let site = member_site(vm, outcome);
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

/// Runs the first step of the native function that [`enter`] has called, and goes on after it; answers an
/// exit code or 0.
///
/// # Safety
/// [`enter`] has just answered true, for the same outcome.
#[inline(always)]
pub(super) unsafe fn run(vm: *mut Vm, outcome: Outcome) -> u64 {
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
        let result = match count {
            0 => Value::NIL,
            _ => *(*vm).base.add(first as usize - 1),
        };
        (*vm).pc = (*site).return_pc;
        match outcome {
            Outcome::Store(destination) => *slot(base, destination) = result,
            Outcome::Discard => {}
            Outcome::Branch(sense) => {
                if result.is_truthy() == sense {
                    (*vm).pc = (*site).target;
                }
            }
        }
        (*vm).base = base;
        (*vm).constants = (*site).constants;
        safepoint(vm)
    }
}
