//! Calls with any number of arguments and tail calls, on the executing machine: what a recorder does
//! by itself, and the interpreter leaves to its slow paths. And returns with any number of results.
//!
//! Invariant: what is declined has changed nothing.

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

    /// What [`Machine::leave_with`] does.
    #[inline(always)]
    pub(super) fn leave_with_results(&mut self, first: Register, count: usize) -> bool {
        // SAFETY: the running frame has a call site; its caller's frame lies below, and has room for
        // the results that it wants. They go to lower slots than they come from.
        unsafe {
            let vm = self.vm;
            let frame = (*vm).frame_top;
            let site = (*frame).site;
            let wanted = ((*site).key as usize).wrapping_sub(1);
            // Both words at once, without the flag for tail calls (the top bit).
            let plain = *(&raw const (*frame).varargs as *const u64) << 1 == 0;
            if !plain || wanted > i32::MAX as usize {
                return false;
            }
            let (from, to) = (self.slot(first), self.base.sub(1));
            for n in 0..count.min(wanted) {
                let v = from.add(n);
                let slot = to.add(n);
                (*slot).payload = (*v).payload;
                (*slot).tag = (*v).tag;
            }
            for n in count..wanted {
                *to.add(n) = Value::NIL;
            }
            (*vm).frame_top = frame.sub(1);
            self.base = self.base.byte_sub((*site).delta as usize);
            self.pc = (*site).return_pc;
            self.constants = (*site).constants;
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
