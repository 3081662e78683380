//! Calls with any number of arguments and tail calls, on the executing machine: what a recorder does
//! by itself, and the interpreter leaves to its slow paths.
//!
//! Invariant: a call that is declined has changed nothing.

use super::{Direct, Machine, Register};
use crate::frame::FRAME_TAIL_CALL;
use crate::function::LuaClosure;
use crate::value::Value;

impl Direct {
    /// As [`Machine::enter`], with any number of arguments; false for functions with `...`, and
    /// where there is no room.
    ///
    /// # Safety
    /// `f` is live, and a register of the running function holds it, followed by the arguments.
    pub unsafe fn enter_adjusted(&mut self, f: *mut LuaClosure, a: Register, args: usize) -> bool {
        // SAFETY: the caller's contract; parameters lie within the registers that there is room for.
        unsafe {
            let exact = (*(*f).proto).exact_args as usize;
            if exact == u32::MAX as usize || args > u8::MAX as usize {
                return false;
            }
            let base = self.slot(a).add(1);
            if !self.enter(f, a, exact) {
                return false;
            }
            for n in args..exact {
                *base.add(n) = Value::NIL;
            }
            true
        }
    }

    /// Replaces the running function, which has no variable arguments, by `f`; false for functions
    /// with `...`, and where there is no room.
    ///
    /// # Safety
    /// As [`Direct::enter_adjusted`].
    pub unsafe fn tail_enter(&mut self, f: *mut LuaClosure, a: Register, args: usize) -> bool {
        // SAFETY: the caller's contract; there is room for the registers of `f`.
        unsafe {
            let proto = (*f).proto;
            let end = self.base as usize + (*proto).frame_bytes as usize;
            if (*proto).is_vararg || end > (*self.vm).stack_limit as usize {
                return false;
            }
            let (from, to) = (self.slot(a), self.base.sub(1));
            let parameters = (*proto).num_params as usize;
            for n in 0..=args.min(parameters) {
                *to.add(n) = *from.add(n);
            }
            for n in args..parameters {
                *self.base.add(n) = Value::NIL;
            }
            (*(*self.vm).frame_top).flags |= FRAME_TAIL_CALL;
            self.pc = (*proto).entry;
            self.constants = (*proto).constants_start;
            true
        }
    }
}
