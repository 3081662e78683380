//! Calls of metamethods that are Lua functions, in place of the operation that asks for them, and their
//! returns. `events.rs` says which instruction asks for which.
//!
//! Such a call counts as a C call of its thread while it lasts (what recurses in the reference
//! implementation). The trace guards that there may be as many; the count itself is raised when the
//! call's frame reaches memory: at exits by the engine, before steps by the trace.

use super::values::RecordedClosure;
use super::{RecordedValue, Recording};
use crate::ir::{Class, Op, PendingFrame, Ref};
use perilune_runtime::construct::{self, Purpose};
use perilune_runtime::frame::{CallSite, Continuation, FRAME_C_CALL, FRAME_TAIL_CALL, Frame};
use perilune_runtime::function::LuaClosure;
use perilune_runtime::layout;
use perilune_runtime::machine::Machine;
use perilune_runtime::metatable::Event;
use perilune_runtime::table::{Lookup, Table};
use perilune_runtime::value::{self, Value};
use perilune_runtime::vm::MAX_C_CALLS;

impl Recording {
    /// What a table has for an event, by its shape and that of its metatable.
    ///
    /// # Safety
    /// The value is a table that a register holds, or that one leads to.
    pub(super) unsafe fn metamethod(&mut self, v: RecordedValue, event: Event) -> Found {
        self.guard_tag(v);
        let (t, r): (*mut Table, Ref) = (v.concrete.as_pointer(), self.payload_of(v));
        // SAFETY: the caller's contract; a table's metatable is as live as it is.
        unsafe {
            let Some((metatable, metatable_ref)) = self.record_metatable(t, r) else {
                return Found::None;
            };
            let heap = &raw const *(*self.direct.vm).heap;
            let name = (*heap).names[event as usize];
            let shape = (*heap).shapes.get((*metatable).header.extra);
            if shape.is_dictionary() {
                return Found::Unknown;
            }
            self.guard_shape(metatable, metatable_ref);
            let Lookup::Slot(slot) = Table::lookup_str(&*heap, metatable, name) else {
                return Found::None;
            };
            let function = self.load_slot(metatable, metatable_ref, slot);
            match self.guard_tag(function) {
                value::NIL => Found::None,
                value::LUA_CLOSURE => {
                    let r = self.payload_of(function);
                    let concrete = function.concrete.as_pointer();
                    Found::Function(RecordedClosure { concrete, r })
                }
                value::TABLE => Found::Table(function),
                _ => Found::Unknown,
            }
        }
    }

    /// Calls a metamethod for the current instruction; false, and nothing is done, where that is left to
    /// the slow path.
    ///
    /// # Safety
    /// The closure and the arguments are live, and the instruction has done nothing.
    pub(super) unsafe fn enter_metamethod(
        &mut self,
        f: RecordedClosure,
        args: &[RecordedValue],
        purpose: Purpose,
    ) -> bool {
        // SAFETY: the caller's contract.
        let called = unsafe { self.call_concretely(f.concrete, args, purpose) };
        let Some((site, base)) = called else {
            return false;
        };
        // SAFETY: the closure is live.
        let (proto, bytes, parameters) = unsafe {
            let proto = (*f.concrete).proto;
            let frame_bytes = (*proto).frame_bytes as i32;
            (proto, frame_bytes, i32::from((*proto).num_params))
        };
        let proto_ref = self.object(proto);
        if !f.r.is_constant() {
            let actual = self.memory(Op::Load64, Class::Constant, layout::CLOSURE_PROTO, &[f.r]);
            self.guard_expected(Op::GuardEq, 0, &[actual, proto_ref]);
        }
        self.guard_stack(base * layout::VALUE_SIZE + bytes);
        self.guard_frames();
        self.guard_c_calls();
        let mut given = Vec::with_capacity(args.len());
        for &v in args {
            given.push((self.best_tag(v), self.payload_of(v)));
        }
        self.forget(base - 1, i32::MAX);
        let tag = self.int(value::LUA_CLOSURE.into());
        self.set_slot(base - 1, tag, f.r);
        let (nil, none) = (self.int(value::NIL.into()), self.int(0));
        for n in 0..parameters {
            let (tag, payload) = given.get(n as usize).copied().unwrap_or((nil, none));
            self.set_slot(base + n, tag, payload);
        }
        self.frames.push(PendingFrame {
            site,
            varargs: 0,
            flags: FRAME_C_CALL,
        });
        self.entered = true;
        self.active.push(proto);
        self.base = base;
        true
    }

    /// Sets up the call as the slow path would; answers its site and its base. `None`, and nothing is
    /// done, where there is no room for it, or it needs more than a frame.
    unsafe fn call_concretely(
        &mut self,
        f: *mut LuaClosure,
        args: &[RecordedValue],
        purpose: Purpose,
    ) -> Option<(*const CallSite, i32)> {
        // SAFETY: the caller's contract; room is checked before anything is written.
        unsafe {
            let vm = self.direct.vm;
            let (proto, thread) = ((*f).proto, (*vm).thread);
            let top = (*self.proto()).max_stack as usize;
            let place = self.direct.base.add(top);
            let end = place.wrapping_add(1) as usize + (*proto).frame_bytes as usize;
            if (*proto).is_vararg
                || end > (*vm).stack_limit as usize
                || (*vm).frame_top >= (*vm).frame_limit
                || (*thread).c_calls + 1 >= MAX_C_CALLS
            {
                return None;
            }
            self.snapshot();
            let base = self.base + top as i32 + 1;
            (*vm).pc = self.instruction.add(1);
            (*vm).base = self.direct.base;
            let site = construct::metamethod_site(vm, purpose);
            *place = Value::lua_closure(f);
            for n in 0..args.len().max((*proto).num_params.into()) {
                *place.add(1 + n) = args.get(n).map_or(Value::NIL, |v| v.concrete);
            }
            (*thread).c_calls += 1;
            (*vm).frame_top = (*vm).frame_top.add(1);
            *(*vm).frame_top = Frame {
                site,
                varargs: 0,
                flags: FRAME_C_CALL,
            };
            self.direct.base = place.add(1);
            self.direct.pc = (*proto).entry;
            self.direct.constants = (*proto).constants_start;
            Some((site, base))
        }
    }

    /// Guards that the thread may have one more C call than the trace has.
    pub(super) fn guard_c_calls(&mut self) {
        let more = self.c_calls() as i64 + 1;
        let (_, count) = self.load_c_calls();
        let most = self.int(i64::from(MAX_C_CALLS) - more);
        self.guard_expected(Op::GuardBelow, 0, &[count, most]);
    }

    /// The running thread, and how many C calls it counts in memory.
    pub(super) fn load_c_calls(&mut self) -> (Ref, Ref) {
        let at = layout::VM_THREAD;
        let thread = self.memory(Op::Load64, Class::Machine, at, &[Ref::VM]);
        let at = layout::THREAD_C_CALLS;
        let count = self.memory(Op::Load32, Class::Machine, at, &[thread]);
        (thread, count)
    }

    /// How many frames count as C calls that are not in memory.
    fn c_calls(&self) -> usize {
        let counts = |frame: &&PendingFrame| frame.flags & FRAME_C_CALL != 0;
        self.frames.iter().filter(counts).count()
    }

    /// What the running function was called for, if that was as a metamethod, in the trace.
    pub(super) fn metamethod_purpose(&self) -> Option<Purpose> {
        let frame = self.frames.last()?;
        let is_plain = frame.varargs == 0 && frame.flags & !FRAME_TAIL_CALL == FRAME_C_CALL;
        // SAFETY: a frame of the trace has a site, which lives as long as the caller's proto.
        let site = unsafe { &*frame.site };
        let purpose = match site.continuation {
            Continuation::Store => Purpose::Store(site.destination as usize),
            Continuation::Concat if site.state == 1 => Purpose::Concat(site.destination as usize),
            Continuation::Discard => Purpose::Discard,
            Continuation::Branch => Purpose::Branch(site.condition),
            _ => return None,
        };
        is_plain.then_some(purpose)
    }

    /// Returns from a metamethod to the instruction that asked for it.
    pub(super) fn leave_metamethod(&mut self, v: RecordedValue, purpose: Purpose) {
        // What the result decides is guarded before anything changes.
        let jumps = match purpose {
            Purpose::Branch(condition) => self.is_truthy(v) == condition,
            _ => false,
        };
        let (tag, payload) = (self.best_tag(v), self.payload_of(v));
        // SAFETY: the running frame is the machine's topmost one; its site says where the caller's
        // base is, and where the result goes.
        let delta = unsafe {
            let vm = self.direct.vm;
            let site = &*(*(*vm).frame_top).site;
            (*(*vm).thread).c_calls -= 1;
            (*vm).frame_top = (*vm).frame_top.sub(1);
            self.direct.base = self.direct.base.byte_sub(site.delta as usize);
            if let Purpose::Store(destination) | Purpose::Concat(destination) = purpose {
                *self.direct.base.byte_add(destination) = v.concrete;
            }
            self.direct.pc = if jumps { site.target } else { site.return_pc };
            self.direct.constants = site.constants;
            site.delta as i32
        };
        self.active.pop();
        self.frames.pop();
        self.forget(self.base - 1, i32::MAX);
        self.base -= delta / layout::VALUE_SIZE;
        if let Purpose::Store(destination) | Purpose::Concat(destination) = purpose {
            let destination = destination as i32 / layout::VALUE_SIZE;
            self.set_slot(self.base + destination, tag, payload);
        }
        let proto = self.proto();
        self.object(proto);
    }

    /// Raises the thread's count of C calls for the frames that are about to reach memory.
    pub(super) fn flush_c_calls(&mut self) {
        let calls = self.c_calls();
        if calls != 0 {
            let (thread, count) = self.load_c_calls();
            let calls = self.int(calls as i64);
            let sum = self.emit(Op::Add, 0, &[count, calls]);
            let at = layout::THREAD_C_CALLS;
            self.memory(Op::Store32, Class::Machine, at, &[thread, sum]);
        }
    }
}

/// What was found for an event.
pub(super) enum Found {
    /// A function that can be recorded.
    Function(RecordedClosure),
    /// A table.
    Table(RecordedValue),
    /// Nothing; guards say so.
    None,
    /// What is left to the runtime.
    Unknown,
}
