//! `pcall` and `xpcall` of Lua functions: the native function's frame and that of the function it calls
//! are part of the trace, like those of a plain call; so is the return through both.
//!
//! An error comes from a residual step, before which all frames are in memory, or from what the
//! interpreter does after an exit: it finds the protected frame as if the interpreter had made it.

use super::varargs::LONGEST;
use super::{RecordedValue, Recording};
use crate::ir::{Class, Op, PendingFrame, Ref};
use perilune_runtime::construct;
use perilune_runtime::frame::{
    CallSite, Continuation, FRAME_C_CALL, FRAME_HAS_HANDLER, FRAME_NATIVE, FRAME_PROTECTED,
    FRAME_TAIL_CALL, FRAME_USER_SHIFT, Frame,
};
use perilune_runtime::function::{Intrinsic, LuaClosure, NativeClosure};
use perilune_runtime::layout;
use perilune_runtime::machine::{Insn, Machine};
use perilune_runtime::native::MIN_SLOTS;
use perilune_runtime::value::{self, Value};
use perilune_runtime::vm::MAX_C_CALLS;

/// The state in which both functions go on after the call.
const CALLED: u32 = 1;

/// What becomes of the slots of the native function, counted from 0.
struct Layout {
    /// Where the flag of success goes; the function and its arguments stand behind it.
    flag: i32,
    /// Arguments that are not passed on: the function is the first one.
    kept: usize,
    /// Flags of the frame.
    flags: u32,
}

const PCALL: Layout = Layout {
    flag: 0,
    kept: 1,
    flags: FRAME_PROTECTED,
};
const XPCALL: Layout = Layout {
    flag: 2,
    kept: 2,
    flags: FRAME_PROTECTED | FRAME_HAS_HANDLER,
};

impl Recording {
    /// A call of `pcall` or `xpcall` with a Lua function; false, and nothing is done, for others.
    ///
    /// # Safety
    /// The instruction is a call that is being executed, and has done nothing.
    pub(super) unsafe fn record_protected_call(&mut self, i: Insn) -> bool {
        let (called, native) = (self.get(i.a()), self.slot_of(i.a()) + 1);
        if called.concrete.tag != value::NATIVE_CLOSURE {
            return false;
        }
        // SAFETY: a register holds the function; the word at pc is the instruction's call site or zero.
        let (intrinsic, site) = unsafe {
            let closure: *const NativeClosure = called.concrete.as_pointer();
            let site = (*self.direct.pc as *const CallSite).as_ref();
            ((*closure).description.intrinsic, site)
        };
        let form = match intrinsic {
            Some(Intrinsic::ProtectedCall) => PCALL,
            Some(Intrinsic::ProtectedCallWithHandler) => XPCALL,
            _ => return false,
        };
        let args = self.list_length(native, i.bn().wrapping_sub(1));
        let (Some(site), Some(args)) = (site, args) else {
            return false;
        };
        if args < form.kept || site.continuation != Continuation::Call {
            return false;
        }
        let function = self.slot_value(native);
        if function.concrete.tag != value::LUA_CLOSURE {
            return false;
        }
        if form.kept == 2 {
            let handler = self.slot_value(native + 1);
            if !handler.concrete.is_function() {
                return false;
            }
            self.guard_tag(handler);
        }
        if self.must_poll() || self.intrinsic(called).is_none() {
            return false;
        }
        self.guard_tag(function);
        // SAFETY: the caller's contract.
        unsafe { self.enter_protected(&form, site, native, function, args - form.kept) }
    }

    /// Enters the function that stands among the arguments of the native function whose slots begin at
    /// `native`, with the arguments that are passed on.
    unsafe fn enter_protected(
        &mut self,
        form: &Layout,
        site: *const CallSite,
        native: i32,
        function: RecordedValue,
        args: usize,
    ) -> bool {
        let closure: *mut LuaClosure = function.concrete.as_pointer();
        let base = native + form.flag + 2;
        // SAFETY: a register holds the closure.
        let (proto, parameters, bytes) = unsafe {
            let proto = (*closure).proto;
            let parameters = (*proto).num_params as usize;
            (proto, parameters, (*proto).frame_bytes as i32)
        };
        let native_end = native + (form.kept + args + MIN_SLOTS) as i32;
        let end = native_end.max(base + bytes / layout::VALUE_SIZE + 1);
        // SAFETY: the machine is live.
        let has_room = unsafe {
            let vm = self.direct.vm;
            let place = self.direct.base.wrapping_offset((end - self.base) as isize);
            place <= (*vm).stack_limit
                && (*vm).frame_top.wrapping_add(1) < (*vm).frame_limit
                && (*(*vm).thread).c_calls + 1 < MAX_C_CALLS
                && !(*proto).is_vararg
        };
        if !has_room {
            return false;
        }
        self.snapshot();
        let (f, proto_ref) = (self.payload_of(function), self.object(proto));
        if !f.is_constant() {
            let actual = self.memory(Op::Load64, Class::Constant, layout::CLOSURE_PROTO, &[f]);
            self.guard_expected(Op::GuardEq, 0, &[actual, proto_ref]);
        }
        self.guard_stack(end * layout::VALUE_SIZE);
        self.guard_more_frames(2);
        self.guard_c_calls();
        let nil = self.constant_value(Value::NIL);
        let first = native + form.kept as i32;
        let mut slots: Vec<(Value, Ref, Ref)> = Vec::with_capacity(2 + parameters);
        let flag = self.constant_value(Value::boolean(true));
        for v in [flag, function] {
            slots.push((v.concrete, self.best_tag(v), self.payload_of(v)));
        }
        for n in 0..parameters {
            let v = match n < args {
                true => self.slot_value(first + n as i32),
                false => nil,
            };
            slots.push((v.concrete, self.best_tag(v), self.payload_of(v)));
        }
        let from = native + form.flag;
        // SAFETY: there is room for the slots and the frames, which are those that the native function
        // would make.
        let (outer, inner) = unsafe { self.push_protected(form, site, native, &slots) };
        self.forget(from, i32::MAX);
        for (slot, (_, tag, payload)) in (from..).zip(slots) {
            self.set_slot(slot, tag, payload);
        }
        for frame in [outer, inner] {
            self.frames.push(PendingFrame {
                site: frame.site,
                varargs: frame.varargs,
                flags: frame.flags,
            });
        }
        self.active.push(std::ptr::null());
        self.active.push(proto);
        self.entered = true;
        self.base = base;
        true
    }

    /// Does what the native function does, up to the call, with the values that go into its slots from
    /// the flag on; answers its frame and that of the function it calls.
    unsafe fn push_protected(
        &mut self,
        form: &Layout,
        site: *const CallSite,
        native: i32,
        slots: &[(Value, Ref, Ref)],
    ) -> (Frame, Frame) {
        // SAFETY: the caller's contract.
        unsafe {
            let vm = self.direct.vm;
            let native = self.direct.base.offset((native - self.base) as isize);
            let place = native.offset(form.flag as isize);
            for (n, v) in slots.iter().enumerate() {
                *place.add(n) = v.0;
            }
            // Slots of native functions are counted from 1.
            let function = form.flag as u32 + 2;
            let outer = Frame {
                site,
                varargs: function,
                flags: FRAME_NATIVE | form.flags | CALLED << FRAME_USER_SHIFT,
            };
            let inner = Frame {
                site: construct::native_call_site(vm, native, function as usize, CALLED),
                varargs: 0,
                flags: FRAME_C_CALL,
            };
            (*(*vm).thread).c_calls += 1;
            let top = (*vm).frame_top.add(1);
            *top = outer;
            *top.add(1) = inner;
            (*vm).frame_top = top.add(1);
            let closure: *mut LuaClosure = slots[1].0.as_pointer();
            let proto = (*closure).proto;
            self.direct.base = place.add(2);
            self.direct.pc = (*proto).entry;
            self.direct.constants = (*proto).constants_start;
            (outer, inner)
        }
    }

    /// Whether the running function was called by `pcall` or `xpcall` in the trace.
    pub(super) fn is_protected_call(&self) -> bool {
        let [.., outer, inner] = self.frames.as_slice() else {
            return false;
        };
        // SAFETY: a frame of the trace has a site, which lives as long as the machine.
        let continuation = unsafe { (*inner.site).continuation };
        continuation == Continuation::Native
            && inner.varargs == 0
            && inner.flags & !FRAME_TAIL_CALL == FRAME_C_CALL
            && outer.flags & FRAME_PROTECTED != 0
    }

    /// Returns values through `pcall` or `xpcall` to who called that; false for what is left to the slow
    /// path.
    pub(super) fn return_protected(&mut self, values: &[RecordedValue]) -> bool {
        let [.., outer, inner] = self.frames.as_slice() else {
            return false;
        };
        // SAFETY: sites of frames in the trace live as long as the machine or the caller's proto.
        let (site, inner_site) = unsafe { (&*outer.site, &*inner.site) };
        let wanted = usize::try_from(site.wanted).unwrap_or(values.len() + 1);
        if wanted > LONGEST {
            return false;
        }
        let (flag, nil) = (
            self.constant_value(Value::boolean(true)),
            self.constant_value(Value::NIL),
        );
        let mut results: Vec<(Value, Ref, Ref)> = Vec::with_capacity(wanted);
        for n in 0..wanted {
            let v = match n {
                0 => flag,
                n => values.get(n - 1).copied().unwrap_or(nil),
            };
            results.push((v.concrete, self.best_tag(v), self.payload_of(v)));
        }
        let native = self.base - inner_site.delta as i32 / layout::VALUE_SIZE;
        let place = native - 1;
        // SAFETY: the two topmost frames are those of the trace; results are fewer than what there is
        // room for.
        unsafe {
            let vm = self.direct.vm;
            let to = self.direct.base.offset((place - self.base) as isize);
            for (n, result) in results.iter().enumerate() {
                *to.add(n) = result.0;
            }
            (*(*vm).thread).c_calls -= 1;
            (*vm).frame_top = (*vm).frame_top.sub(2);
            self.direct.base = to.add(1).byte_sub(site.delta as usize);
            self.direct.pc = site.return_pc;
            self.direct.constants = site.constants;
        }
        for _ in 0..2 {
            self.active.pop();
            self.frames.pop();
        }
        self.forget(place, i32::MAX);
        self.base = native - site.delta as i32 / layout::VALUE_SIZE;
        for (slot, (_, tag, payload)) in (place..).zip(results) {
            self.set_slot(slot, tag, payload);
        }
        if site.wanted < 0 {
            self.set_top(place + wanted as i32);
        }
        let proto = self.proto();
        self.object(proto);
        true
    }
}
