//! Lists of values whose length is known while recording: variable arguments, several results, and
//! what follows an open list.
//!
//! How many values there are is part of the trace: it follows from the call's instruction, which is in
//! the trace, too. An instruction that leaves a list open (B or C = 0) leaves the machine's `top` to
//! the very next one. The trace does not store `top`: snapshots and steps of that next instruction say
//! what it is.

use super::values::RecordedClosure;
use super::{RecordedValue, Recording};
use crate::ir::{Class, Op, PendingFrame, Ref};
use perilune_frontend::bytecode::opcode::Opcode;
use perilune_runtime::frame::{CallSite, Continuation, FRAME_TAIL_CALL, Frame};
use perilune_runtime::layout;
use perilune_runtime::machine::{Insn, Register};
use perilune_runtime::string::LuaString;
use perilune_runtime::value::{self, Value};

/// Longer lists are left to the runtime.
pub(super) const LONGEST: usize = 24;

impl Recording {
    /// How many values a list has that begins at a register: `count`, or, if that is the wrapped number
    /// of an open list, up to the top. `None` when that is not known.
    pub(super) fn list_length(&self, first: i32, count: usize) -> Option<usize> {
        match count {
            usize::MAX => {
                let count = usize::try_from(self.top? - first).ok()?;
                (count <= LONGEST).then_some(count)
            }
            count => Some(count),
        }
    }

    /// Leaves a list open for the next instruction.
    pub(super) fn set_top(&mut self, top: i32) {
        // SAFETY: who calls this has seen to the room up to there.
        unsafe { (*self.direct.vm).top = self.direct.base.offset((top - self.base) as isize) };
        self.next_top = Some(top);
    }

    /// The current instruction, which its function leaves to the slow path, if it is one of those with
    /// lists. False when it is left to the slow path still.
    ///
    /// # Safety
    /// The instruction is being executed, and its function has done nothing.
    pub(super) unsafe fn record_list(&mut self, op: Opcode, i: Insn) -> bool {
        match op {
            Opcode::VarArg => self.record_var_arg(i),
            Opcode::Return => {
                let first = self.slot_of(i.a());
                match self.list_length(first, i.bn().wrapping_sub(1)) {
                    Some(count) if count <= LONGEST => self.record_return(first, count),
                    _ => false,
                }
            }
            _ => false,
        }
    }

    /// `R[A], ... := ...` in a function that was called in the trace.
    fn record_var_arg(&mut self, i: Insn) -> bool {
        let Some(frame) = self.frames.last() else {
            return false;
        };
        let shift = frame.varargs as i32;
        // SAFETY: the running function's proto is live.
        let params = unsafe { (*self.proto()).num_params } as i32;
        let available = (shift - 1 - params).max(0);
        let (target, source) = (self.slot_of(i.a()), self.base - shift + params);
        let is_open = i.bn() == 0;
        let wanted = if is_open {
            available
        } else {
            i.bn() as i32 - 1
        };
        if wanted as usize > LONGEST || shift == 0 {
            return false;
        }
        let end = target + wanted;
        if is_open {
            // SAFETY: the machine is live.
            let room = unsafe { (*self.direct.vm).stack_limit };
            let place = self.direct.base.wrapping_offset((end - self.base) as isize);
            if place > room {
                return false;
            }
            self.guard_stack(end * layout::VALUE_SIZE);
        }
        let mut values = Vec::with_capacity(wanted as usize);
        for n in 0..wanted {
            let v = match n < available {
                true => self.slot_value(source + n),
                false => self.constant_value(Value::NIL),
            };
            values.push((v.concrete, self.best_tag(v), self.payload_of(v)));
        }
        for (slot, (v, tag, payload)) in (target..).zip(values) {
            // SAFETY: registers, or above them where there is room.
            unsafe { *self.direct.base.offset((slot - self.base) as isize) = v };
            self.set_slot(slot, tag, payload);
        }
        if is_open {
            self.set_top(end);
        }
        true
    }

    /// A call of a function with `...`, whose arguments stay below its registers.
    pub(super) fn record_enter_variadic(
        &mut self,
        f: RecordedClosure,
        a: Register,
        args: usize,
    ) -> bool {
        let function = self.slot_of(a);
        // SAFETY: the closure is live, and the word at pc is the instruction's call site or zero.
        let (proto, site, params, registers) = unsafe {
            let proto = (*f.concrete).proto;
            let site = *self.direct.pc as *const CallSite;
            let params = (*proto).num_params as usize;
            (proto, site, params, (*proto).max_stack as usize)
        };
        let shift = args as i32 + 1;
        let end = function + 1 + shift + args.max(registers) as i32;
        let place = |this: &Recording, slot: i32| {
            this.direct
                .base
                .wrapping_offset((slot - this.base) as isize)
        };
        // SAFETY: the machine is live.
        let has_room = unsafe {
            let vm = self.direct.vm;
            place(self, end) <= (*vm).stack_limit && (*vm).frame_top < (*vm).frame_limit
        };
        if site.is_null() || !has_room {
            return false;
        }
        self.snapshot();
        let proto_ref = self.object(proto);
        if !f.r.is_constant() {
            let actual = self.memory(Op::Load64, Class::Constant, layout::CLOSURE_PROTO, &[f.r]);
            self.guard_expected(Op::GuardEq, 0, &[actual, proto_ref]);
        }
        self.guard_stack(end * layout::VALUE_SIZE);
        self.guard_frames();
        let nil = self.constant_value(Value::NIL);
        let mut given = Vec::with_capacity(params);
        for n in 0..params {
            let v = match n < args {
                true => self.slot_value(function + 1 + n as i32),
                false => nil,
            };
            given.push((v.concrete, self.best_tag(v), self.payload_of(v)));
        }
        let base = function + 1 + shift;
        self.forget(function + 1 + args as i32, i32::MAX);
        // SAFETY: there is room up to `end`, and for a frame.
        unsafe {
            for n in 0..params.min(args) as i32 {
                *place(self, function + 1 + n) = Value::NIL;
            }
            *place(self, base - 1) = Value::lua_closure(f.concrete);
            for (n, v) in given.iter().enumerate() {
                *place(self, base + n as i32) = v.0;
            }
            let vm = self.direct.vm;
            (*vm).frame_top = (*vm).frame_top.add(1);
            *(*vm).frame_top = Frame {
                site,
                varargs: shift as u32,
                flags: 0,
            };
            self.direct.base = place(self, base);
            self.direct.pc = (*proto).entry;
            self.direct.constants = (*proto).constants_start;
        }
        let tag = self.int(value::LUA_CLOSURE.into());
        self.set_slot(base - 1, tag, f.r);
        let (nil, none) = (self.int(value::NIL.into()), self.int(0));
        for n in 0..params.min(args) {
            self.set_slot(function + 1 + n as i32, nil, none);
        }
        for (n, (_, tag, payload)) in given.into_iter().enumerate() {
            self.set_slot(base + n as i32, tag, payload);
        }
        self.frames.push(PendingFrame {
            site,
            varargs: shift as u32,
            flags: 0,
        });
        self.entered = true;
        self.active.push(proto);
        self.base = base;
        true
    }

    /// The site and the variable arguments of the running function, if it was called in the trace by an
    /// instruction that takes its results as they come.
    pub(super) fn plain_call(&self) -> Option<(*const CallSite, i32)> {
        let frame = self.frames.last()?;
        // SAFETY: a frame of the trace has a site, which lives as long as the caller's proto.
        let continuation = unsafe { (*frame.site).continuation };
        let is_call = matches!(continuation, Continuation::Call | Continuation::GenericFor);
        let is_plain = frame.flags & !FRAME_TAIL_CALL == 0;
        (is_call && is_plain).then_some((frame.site, frame.varargs as i32))
    }

    /// Returns so many values to a call in the trace.
    fn record_return(&mut self, first: i32, count: usize) -> bool {
        let values: Vec<RecordedValue> = (0..count as i32)
            .map(|n| self.slot_value(first + n))
            .collect();
        self.return_values(&values)
    }

    /// Returns values to a call in the trace; false when the running function was not called there.
    pub(super) fn return_values(&mut self, values: &[RecordedValue]) -> bool {
        let Some((site, varargs)) = self.plain_call() else {
            return false;
        };
        // SAFETY: the site is as live as the caller's proto.
        let site = unsafe { &*site };
        let wanted = usize::try_from(site.wanted).unwrap_or(values.len());
        if wanted > LONGEST {
            return false;
        }
        let nil = self.constant_value(Value::NIL);
        let mut results: Vec<(Value, Ref, Ref)> = Vec::with_capacity(wanted);
        for n in 0..wanted {
            let v = values.get(n).copied().unwrap_or(nil);
            results.push((v.concrete, self.best_tag(v), self.payload_of(v)));
        }
        // A function that is called by a loop's instruction has its results above the loop's state,
        // as a call has them where the function was.
        let place = self.base - 1 - varargs;
        // SAFETY: the running frame is the machine's topmost one; results are fewer than what there is
        // room for.
        unsafe {
            let vm = self.direct.vm;
            let to = self.direct.base.offset(-1 - varargs as isize);
            for (n, result) in results.iter().enumerate() {
                *to.add(n) = result.0;
            }
            (*vm).frame_top = (*vm).frame_top.sub(1);
            let base = self.direct.base.offset(-varargs as isize);
            self.direct.base = base.byte_sub(site.delta as usize);
            self.direct.pc = site.return_pc;
            self.direct.constants = site.constants;
        }
        self.active.pop();
        self.frames.pop();
        self.forget(place, i32::MAX);
        self.base -= varargs + site.delta as i32 / layout::VALUE_SIZE;
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

    /// `select(n, ...)` of so many values behind `n`, which is `"#"` or a number that the trace knows.
    pub(super) fn record_select(&mut self, place: i32, count: usize) -> Option<RecordedValue> {
        let n = self.slot_value(place);
        match n.concrete.tag {
            value::STRING => {
                let text: *mut LuaString = n.concrete.as_pointer();
                // SAFETY: a register holds the string.
                if unsafe { LuaString::as_bytes(text) } != b"#" {
                    return None;
                }
                self.guard_tag(n);
                let (payload, known) = (self.payload_of(n), self.object(text));
                if payload != known {
                    self.guard(Op::GuardEq, &[payload, known]);
                }
                Some(self.constant_value(Value::integer(count as i64)))
            }
            value::INTEGER => {
                let payload = self.payload_of(n);
                let known = self.trace.int_of(payload)?;
                let wanted = usize::try_from(known).ok().filter(|&n| n > 0)?;
                self.guard_tag(n);
                Some(match wanted <= count {
                    true => self.slot_value(place + wanted as i32),
                    false => self.constant_value(Value::NIL),
                })
            }
            _ => None,
        }
    }
}
