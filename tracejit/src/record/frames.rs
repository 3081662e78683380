//! Calls and returns inlined into the trace, and bringing everything into memory.

use super::values::RecordedClosure;
use super::{RecordedValue, Recording};
use crate::ir::{Class, Instruction, Op, PendingFrame, Ref, Type};
use perilune_runtime::frame::Frame;
use perilune_runtime::layout;
use perilune_runtime::machine::direct::DirectValue;
use perilune_runtime::machine::{Machine, Register};
use perilune_runtime::value::{self, Value};

impl Recording {
    /// The machine's frame pointer, as memory has it.
    fn frame_top(&mut self) -> Ref {
        self.memory(
            Op::Load64,
            Class::FrameTop,
            layout::VM_FRAME_TOP,
            &[Ref::VM],
        )
    }

    /// A plain call of a Lua function; false for what is left to the slow path.
    pub(super) fn record_enter(&mut self, f: RecordedClosure, a: Register, args: usize) -> bool {
        let Some(args) = self.list_length(self.slot_of(a) + 1, args) else {
            return false;
        };
        // SAFETY: the closure is live.
        if unsafe { (*(*f.concrete).proto).is_vararg } {
            return args <= u8::MAX as usize && self.record_enter_variadic(f, a, args);
        }
        self.latest_snapshot();
        // SAFETY: the closure is live, and the word at pc is the instruction's call site.
        let (proto, site) = unsafe { ((*f.concrete).proto, *self.direct.pc as *const _) };
        // SAFETY: the closure is live, and a register holds it.
        let entered = unsafe { self.direct.enter_adjusted(f.concrete, a, args) };
        if !entered {
            return false;
        }
        self.entered = true;
        self.is_snapshot_over = true;
        self.active.push(proto);
        let base = self.slot_of(a) + 1;
        // SAFETY: the proto is live.
        let parameters = i32::from(unsafe { (*proto).num_params });
        let proto_ref = self.object(proto);
        if !f.r.is_constant() {
            let actual = self.memory(Op::Load64, Class::Constant, layout::CLOSURE_PROTO, &[f.r]);
            self.guard_expected(Op::GuardEq, 0, &[actual, proto_ref]);
        }
        // SAFETY: the proto is live.
        let end = base * layout::VALUE_SIZE + unsafe { (*proto).frame_bytes } as i32;
        self.guard_stack(end);
        self.guard_frames();
        self.forget(base + parameters.min(args as i32), i32::MAX);
        let (nil, none) = (self.int(value::NIL as i64), self.int(0));
        for n in args as i32..parameters {
            self.set_slot(base + n, nil, none);
        }
        self.frames.push(PendingFrame {
            site,
            varargs: 0,
            flags: 0,
        });
        self.base = base;
        true
    }

    /// Guards that there is room for one more frame.
    pub(super) fn guard_frames(&mut self) {
        self.guard_more_frames(1);
    }

    /// Guards that there is room for so many more frames.
    pub(super) fn guard_more_frames(&mut self, more: i32) {
        // How many more frames there will be than in memory, or how many fewer.
        let height = self.frames.len() as i32 - self.popped as i32 + more;
        if height > self.checked_frames {
            self.checked_frames = height;
            let top = self.frame_top();
            let offset = self.int(((height - 1) * layout::FRAME_SIZE) as i64);
            let last = self.emit(Op::Add, 0, &[top, offset]);
            let limit = self.memory(
                Op::Load64,
                Class::Machine,
                layout::VM_FRAME_LIMIT,
                &[Ref::VM],
            );
            self.guard_expected(Op::GuardBelow, 0, &[last, limit]);
        }
    }

    /// Guards that the stack has room for so many bytes above the anchor.
    pub(super) fn guard_stack(&mut self, end: i32) {
        if end > self.checked_stack {
            self.checked_stack = end;
            self.guard_expected(Op::GuardStack, end, &[]);
        }
    }

    /// A plain return; false for what is left to the slow path.
    pub(super) fn record_leave(&mut self, v: Option<RecordedValue>) -> bool {
        self.prepare_return();
        let given = v.as_slice();
        let v = match v {
            Some(v) => v,
            None => self.constant_value(Value::NIL),
        };
        if let Some(purpose) = self.metamethod_purpose() {
            self.leave_metamethod(v, purpose);
            return true;
        }
        if self.is_protected_call() {
            return self.return_protected(given);
        }
        if let Some((site, varargs)) = self.plain_call() {
            // SAFETY: a frame of the trace has a site, which lives as long as the caller's proto.
            let key = unsafe { (*site).key };
            if varargs != 0 || !(1..=2).contains(&key) {
                return self.return_values(given);
            }
        }
        let results = [(self.best_tag(v), self.payload_of(v))];
        // SAFETY: the running frame is the machine's topmost one.
        let frame = unsafe { *(*self.direct.vm).frame_top };
        if !self.direct.leave(Some(DirectValue::Known(v.concrete))) {
            return false;
        }
        self.note_return(frame, &results);
        true
    }

    /// A plain return of a known number of results; false for what is left to the slow path.
    pub(super) fn record_leave_with(&mut self, first: Register, count: usize) -> bool {
        self.prepare_return();
        let values = |this: &mut Recording| -> Vec<RecordedValue> {
            (0..count).map(|n| this.get(first.plus(n))).collect()
        };
        if let Some(purpose) = self.metamethod_purpose() {
            let v = match count {
                0 => self.constant_value(Value::NIL),
                _ => self.get(first),
            };
            self.leave_metamethod(v, purpose);
            return true;
        }
        if self.is_protected_call() {
            let values = values(self);
            return self.return_protected(&values);
        }
        if self.plain_call().is_some() {
            let values = values(self);
            return self.return_values(&values);
        }
        // SAFETY: the running frame is the machine's topmost one, and has a site.
        let (frame, wanted) = unsafe {
            let frame = *(*self.direct.vm).frame_top;
            (frame, ((*frame.site).key as usize).wrapping_sub(1))
        };
        if wanted > u8::MAX as usize {
            return false;
        }
        let mut results = Vec::with_capacity(wanted);
        for n in 0..wanted {
            let v = if n < count {
                self.get(first.plus(n))
            } else {
                self.constant_value(Value::NIL)
            };
            results.push((self.best_tag(v), self.payload_of(v)));
        }
        if !self.direct.leave_with(first, count) {
            return false;
        }
        self.note_return(frame, &results);
        true
    }

    /// Guards on a frame in memory follow when it has been left: they need a snapshot from before.
    fn prepare_return(&mut self) {
        if self.frames.is_empty() {
            self.latest_snapshot();
        }
    }

    /// Notes that the topmost frame, as it was, has been left with these results.
    fn note_return(&mut self, frame: Frame, results: &[(Ref, Ref)]) {
        self.is_snapshot_over = true;
        self.active.pop();
        if self.frames.pop().is_none() {
            let top = self.frame_top();
            let offset = -(self.popped as i32) * layout::FRAME_SIZE;
            let expected = self.int(frame.site as i64);
            let words = frame.varargs as i64 | (frame.flags as i64) << 32;
            let words = self.int(words);
            for (field, expected) in [
                (layout::FRAME_SITE, expected),
                (layout::FRAME_VARARGS, words),
            ] {
                let actual = self.memory(Op::Load64, Class::Frame, offset + field, &[top]);
                self.guard_expected(Op::GuardEq, 0, &[actual, expected]);
            }
            self.popped += 1;
            self.followed += 1;
        }
        // SAFETY: the site of a frame lives as long as the caller's proto, which runs.
        let site = unsafe { &*frame.site };
        let place = self.base - 1;
        self.forget(place, i32::MAX);
        for (n, &(tag, payload)) in results.iter().enumerate().take(site.wanted as usize) {
            self.set_slot(place + n as i32, tag, payload);
        }
        self.base -= (site.delta as i32) / layout::VALUE_SIZE;
        let proto = self.proto();
        self.object(proto);
        if self.active.is_empty() {
            self.active.push(proto);
        }
    }

    /// Brings what is live into memory: slots, then frames.
    pub(super) fn flush(&mut self) {
        let (live, _) = self.live_slots(self.instruction);
        let mut slots = Vec::new();
        self.shadow.snapshot(&live, &mut slots);
        for slot in slots {
            self.emit(Op::StoreSlotTag, slot.slot, &[slot.tag]);
            let op = match self.trace.type_of(slot.payload) {
                Type::Float => Op::StoreSlotFloat,
                _ => Op::StoreSlotInt,
            };
            self.emit(op, slot.slot, &[slot.payload]);
        }
        // What is dirty and dead is forgotten: memory does not have it.
        self.shadow.clean(&live);
        self.flush_frames();
    }

    pub(super) fn flush_frames(&mut self) {
        if self.frames.is_empty() && self.popped == 0 {
            return;
        }
        self.flush_c_calls();
        let top = self.frame_top();
        let frames = std::mem::take(&mut self.frames);
        for (n, frame) in frames.iter().enumerate() {
            let offset = (n as i32 + 1 - self.popped as i32) * layout::FRAME_SIZE;
            let site = self.int(frame.site as i64);
            let words = self.int(frame.varargs as i64 | (frame.flags as i64) << 32);
            self.memory(
                Op::Store64,
                Class::Frame,
                offset + layout::FRAME_SITE,
                &[top, site],
            );
            self.memory(
                Op::Store64,
                Class::Frame,
                offset + layout::FRAME_VARARGS,
                &[top, words],
            );
        }
        let net = frames.len() as i32 - self.popped as i32;
        self.popped = 0;
        self.checked_frames = 0;
        if net != 0 {
            let offset = self.int((net * layout::FRAME_SIZE) as i64);
            let new_top = self.emit(Op::Add, 0, &[top, offset]);
            self.memory(
                Op::Store64,
                Class::FrameTop,
                layout::VM_FRAME_TOP,
                &[Ref::VM, new_top],
            );
        }
    }

    /// Appends a residual step; its snapshot says only what is live.
    pub(super) fn push_step(&mut self, step: crate::ir::Step, snapshot: u32) {
        let index = self.trace.steps.len() as i32;
        self.trace.steps.push(Box::new(step));
        let instruction = Instruction {
            snapshot,
            ..Instruction::new(Op::Step, index, &[])
        };
        self.push(instruction);
    }
}
