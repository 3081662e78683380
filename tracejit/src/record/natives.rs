//! Calls that need no frame: functions of the standard library that traces know, iterators, and
//! tail calls.
//!
//! Invariant: what is recorded for a function is what the function does for arguments of the types
//! that were seen; everything else about it (errors, coercions, other types) is left to a residual
//! step. Which function it is is guarded by its address.

use super::values::{RecordedClosure, Source};
use super::varargs::LONGEST;
use super::{RecordedFloat, RecordedInteger, RecordedTable, RecordedValue, Recording};
use crate::ir::{Class, Helper, Op, Ref};
use perilune_runtime::construct::{self, Purpose};
use perilune_runtime::frame::{CallSite, FRAME_TAIL_CALL};
use perilune_runtime::function::{Intrinsic, NativeClosure};
use perilune_runtime::layout;
use perilune_runtime::machine::{Machine, Register};
use perilune_runtime::metatable::Event;
use perilune_runtime::string::LuaString;
use perilune_runtime::table::{Lookup, Table};
use perilune_runtime::value::{self, Value};

/// Floats from this one on are no integers.
const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;

impl Recording {
    /// What a native function is known as, if it is; its identity is guarded.
    pub(super) fn intrinsic(&mut self, f: RecordedValue) -> Option<Intrinsic> {
        if f.concrete.tag != value::NATIVE_CLOSURE {
            return None;
        }
        let closure: *const NativeClosure = f.concrete.as_pointer();
        // SAFETY: a register holds the closure.
        let intrinsic = unsafe { (*closure).description.intrinsic }?;
        self.guard_tag(f);
        let (actual, known) = (self.payload_of(f), self.object(closure));
        if actual != known {
            self.guard_expected(Op::GuardEq, 0, &[actual, known]);
        }
        Some(intrinsic)
    }

    pub(super) fn slot_value(&self, slot: i32) -> RecordedValue {
        RecordedValue {
            concrete: self.concrete(slot),
            source: Source::Slot(slot),
        }
    }

    /// A call of a native function; false for what is left to the slow path.
    pub(super) fn record_native_call(
        &mut self,
        f: RecordedValue,
        a: Register,
        args: usize,
    ) -> bool {
        // SAFETY: the word at pc is the instruction's call site or zero.
        let site = unsafe { (*self.direct.pc as *const CallSite).as_ref() };
        let args = self.list_length(self.slot_of(a) + 1, args);
        let (Some(wanted), Some(args)) = (site.map(|site| site.wanted), args) else {
            return false;
        };
        if !(0..=1).contains(&wanted) {
            return false;
        }
        match self.native_result(f, a, args, wanted as usize) {
            Some(result) => {
                if let (1, Some(v)) = (wanted, result) {
                    self.set(a, v);
                }
                true
            }
            None => false,
        }
    }

    /// The result of a native function, of which `wanted` are asked: inner `None` when it has none.
    /// Outer `None` for what is left to the slow path.
    fn native_result(
        &mut self,
        f: RecordedValue,
        a: Register,
        args: usize,
        wanted: usize,
    ) -> Option<Option<RecordedValue>> {
        let intrinsic = self.intrinsic(f)?;
        let first = self.slot_of(a) + 1;
        let argument = |this: &Recording, n: usize| this.slot_value(first + n as i32);
        let result = match (intrinsic, args) {
            (Intrinsic::SetMetatable, 2) => {
                let (t, metatable) = (argument(self, 0), argument(self, 1));
                self.record_set_metatable(t, metatable)?
            }
            (Intrinsic::Select, 1..) if wanted <= 1 => self.record_select(first, args - 1)?,
            (Intrinsic::Insert, 2) if wanted == 0 => {
                let (t, v) = (argument(self, 0), argument(self, 1));
                self.record_insert(t, v)?;
                return Some(None);
            }
            (Intrinsic::Type, 1) => self.record_type(argument(self, 0)),
            (Intrinsic::Floor, 1) => self.record_floor(argument(self, 0))?,
            (Intrinsic::Abs, 1) => self.record_abs(argument(self, 0))?,
            (Intrinsic::Sqrt | Intrinsic::Sin | Intrinsic::Cos, 1) => {
                let x = self.as_number(argument(self, 0))?;
                self.record_of_float(intrinsic, x)
            }
            (Intrinsic::Max, 2) => {
                self.record_extreme(argument(self, 0), argument(self, 1), false)?
            }
            (Intrinsic::Min, 2) => {
                self.record_extreme(argument(self, 0), argument(self, 1), true)?
            }
            (Intrinsic::Byte, 2) => self.record_byte(argument(self, 0), argument(self, 1))?,
            // Which fuel long strings take is the runtime's to say.
            (Intrinsic::Sub, 3) if !self.fuel.is_counted() => {
                let (s, i, j) = (argument(self, 0), argument(self, 1), argument(self, 2));
                self.record_substring(s, i, j)?
            }
            _ => return None,
        };
        Some(Some(result))
    }

    /// `type(v)`: a name that the heap keeps for each tag.
    fn record_type(&mut self, v: RecordedValue) -> RecordedValue {
        let tag = self.guard_tag(v);
        // SAFETY: the machine is live; there is a name for every tag.
        let name = unsafe { (*self.direct.vm).heap.type_names[tag as usize] };
        self.constant_value(Value::string(name))
    }

    fn known(&mut self, concrete: Value, payload: Ref) -> RecordedValue {
        let tag = self.int(concrete.tag as i64);
        RecordedValue {
            concrete,
            source: Source::Refs { tag, payload },
        }
    }

    fn integer_result(&mut self, v: RecordedInteger) -> RecordedValue {
        self.known(Value::integer(v.concrete), v.r)
    }

    fn float_result(&mut self, v: RecordedFloat) -> RecordedValue {
        self.known(Value::float(v.concrete), v.r)
    }

    fn as_number(&mut self, v: RecordedValue) -> Option<RecordedFloat> {
        match v.concrete.tag {
            value::FLOAT => {
                self.guard_tag(v);
                Some(self.as_float(v))
            }
            value::INTEGER => {
                self.guard_tag(v);
                let i = self.as_integer(v);
                Some(self.integer_to_float(i))
            }
            _ => None,
        }
    }

    fn record_of_float(&mut self, function: Intrinsic, x: RecordedFloat) -> RecordedValue {
        let (concrete, r) = match function {
            Intrinsic::Sqrt => (x.concrete.sqrt(), self.emit(Op::FSqrt, 0, &[x.r])),
            Intrinsic::Sin => {
                let r = self.emit(Op::CallFloat, Helper::FloatSin as i32, &[x.r]);
                (x.concrete.sin(), r)
            }
            _ => {
                let r = self.emit(Op::CallFloat, Helper::FloatCos as i32, &[x.r]);
                (x.concrete.cos(), r)
            }
        };
        self.float_result(RecordedFloat { concrete, r })
    }

    fn record_floor(&mut self, v: RecordedValue) -> Option<RecordedValue> {
        match v.concrete.tag {
            value::INTEGER => {
                self.guard_tag(v);
                let i = self.as_integer(v);
                Some(self.integer_result(i))
            }
            value::FLOAT if (-TWO_TO_63..TWO_TO_63).contains(&v.concrete.as_float()) => {
                self.guard_tag(v);
                let x = self.as_float(v);
                let (low, high) = (self.trace.float(-TWO_TO_63), self.trace.float(TWO_TO_63));
                self.guard(Op::GuardFLe, &[low, x.r]);
                self.guard(Op::GuardFLt, &[x.r, high]);
                let r = self.emit(Op::FloorToInt, 0, &[x.r]);
                let concrete = x.concrete.floor() as i64;
                Some(self.integer_result(RecordedInteger { concrete, r }))
            }
            _ => None,
        }
    }

    fn record_abs(&mut self, v: RecordedValue) -> Option<RecordedValue> {
        match v.concrete.tag {
            value::INTEGER => {
                self.guard_tag(v);
                let (i, zero) = (self.as_integer(v), self.static_integer(0));
                let result = if self.integer_lt(i, zero) {
                    self.integer_sub(zero, i)
                } else {
                    i
                };
                Some(self.integer_result(result))
            }
            value::FLOAT => {
                self.guard_tag(v);
                let x = self.as_float(v);
                let r = self.emit(Op::FAbs, 0, &[x.r]);
                let concrete = x.concrete.abs();
                Some(self.float_result(RecordedFloat { concrete, r }))
            }
            _ => None,
        }
    }

    /// The greatest or least of two numbers of one type.
    fn record_extreme(
        &mut self,
        a: RecordedValue,
        b: RecordedValue,
        least: bool,
    ) -> Option<RecordedValue> {
        if a.concrete.tag != b.concrete.tag || a.concrete.tag > value::FLOAT {
            return None;
        }
        self.guard_tag(a);
        self.guard_tag(b);
        // The second one is taken if it is greater (less) than the first one.
        let (left, right) = if least { (b, a) } else { (a, b) };
        let takes_second = if a.concrete.tag == value::INTEGER {
            let (x, y) = (self.as_integer(left), self.as_integer(right));
            self.integer_lt(x, y)
        } else {
            let (x, y) = (self.as_float(left), self.as_float(right));
            self.float_lt(x, y)
        };
        Some(if takes_second { b } else { a })
    }

    /// A string argument: its length.
    fn string_length(&mut self, s: RecordedValue) -> Option<(Ref, RecordedInteger)> {
        if s.concrete.tag != value::STRING {
            return None;
        }
        self.guard_tag(s);
        let string = self.payload_of(s);
        let r = self.memory(
            Op::Load64,
            Class::Constant,
            layout::STRING_LENGTH,
            &[string],
        );
        let pointer: *const LuaString = s.concrete.as_pointer();
        // SAFETY: a register holds the string.
        let concrete = unsafe { (*pointer).len } as i64;
        Some((string, RecordedInteger { concrete, r }))
    }

    /// `s:byte(i)` where it is one byte.
    fn record_byte(&mut self, s: RecordedValue, i: RecordedValue) -> Option<RecordedValue> {
        let (string, length) = self.string_length(s)?;
        let position = i.concrete;
        if position.tag != value::INTEGER || !(1..=length.concrete).contains(&position.as_integer())
        {
            return None;
        }
        self.guard_tag(i);
        let i = self.as_integer(i);
        let one = self.int(1);
        let index = self.emit(Op::Sub, 0, &[i.r, one]);
        self.guard(Op::GuardBelow, &[index, length.r]);
        let instruction = crate::ir::Instruction {
            class: Class::Constant,
            ..crate::ir::Instruction::new(Op::Load8At, layout::STRING_BYTES, &[string, index])
        };
        let r = self.push(instruction);
        let pointer: *const LuaString = s.concrete.as_pointer();
        // SAFETY: a register holds the string, and the index is below its length.
        let byte = unsafe { LuaString::as_bytes(pointer)[i.concrete as usize - 1] };
        Some(self.integer_result(RecordedInteger {
            concrete: i64::from(byte),
            r,
        }))
    }

    /// `s:sub(i, j)`: each position is guarded to lie where it was seen.
    fn record_substring(
        &mut self,
        s: RecordedValue,
        i: RecordedValue,
        j: RecordedValue,
    ) -> Option<RecordedValue> {
        if i.concrete.tag != value::INTEGER || j.concrete.tag != value::INTEGER {
            return None;
        }
        let (string, length) = self.string_length(s)?;
        self.guard_tag(i);
        self.guard_tag(j);
        let (i, j) = (self.as_integer(i), self.as_integer(j));
        let (zero, one) = (self.static_integer(0), self.static_integer(1));
        let from = if self.integer_lt(zero, i) {
            i
        } else if self.integer_lt(i, zero) {
            let from = self.integer_add(length, i);
            let from = self.integer_add(from, one);
            if self.integer_lt(from, one) {
                one
            } else {
                from
            }
        } else {
            one
        };
        let to = if self.integer_lt(length, j) {
            length
        } else if self.integer_lt(j, zero) {
            let to = self.integer_add(length, j);
            self.integer_add(to, one)
        } else {
            j
        };
        let start = self.integer_sub(from, one);
        let (start, to) = if self.integer_lt(to, from) {
            (zero, zero)
        } else {
            (start, to)
        };
        let pointer: *const LuaString = s.concrete.as_pointer();
        // SAFETY: a register holds the string; the positions are in order and within it.
        let result = unsafe {
            construct::substring(
                self.direct.vm,
                pointer,
                start.concrete as usize,
                to.concrete as usize,
            )
        };
        if result.is_null() {
            return None;
        }
        let r = self.call_or_leave(Helper::Substring, &[string, start.r, to.r]);
        Some(self.known(Value::string(result), r))
    }

    fn record_set_metatable(
        &mut self,
        t: RecordedValue,
        metatable: RecordedValue,
    ) -> Option<RecordedValue> {
        if t.concrete.tag != value::TABLE || metatable.concrete.tag != value::TABLE {
            return None;
        }
        self.guard_tag(t);
        self.guard_tag(metatable);
        let table = self.as_table(t);
        let other = self.as_table(metatable);
        let vm = self.direct.vm;
        // SAFETY: registers hold both tables.
        unsafe {
            if !self.guard_no_metatable(table.concrete, table.r) {
                return None;
            }
            (*vm).heap.barrier_back(&raw mut (*table.concrete).header);
            let before = (*table.concrete).header.extra;
            if !construct::set_metatable(vm, table.concrete, other.concrete) {
                return None;
            }
            let shape = construct::shape_with_metatable(vm, table.concrete, before);
            if let Some(shape) = shape
                && self.guard_no_finalizer(other)
            {
                self.depend_on_shape(shape);
                let shape = self.int(shape.into());
                self.emit(Op::BarrierBack, 0, &[table.r]);
                self.call_or_leave(Helper::GiveShape, &[table.r, shape]);
                return Some(t);
            }
        }
        self.emit(Op::BarrierBack, 0, &[table.r]);
        self.call_or_leave(Helper::SetMetatable, &[table.r, other.r]);
        Some(t)
    }

    /// Guards that a metatable is this one, and has no `__gc`; false when that can't be said by its
    /// shape.
    ///
    /// # Safety
    /// The metatable is live.
    unsafe fn guard_no_finalizer(&mut self, metatable: RecordedTable) -> bool {
        // SAFETY: the caller's contract.
        unsafe {
            let heap = &(*self.direct.vm).heap;
            let name = heap.names[Event::Gc as usize];
            let shape = heap.shapes.get((*metatable.concrete).header.extra);
            let lookup = Table::lookup_str(heap, metatable.concrete, name);
            if shape.is_dictionary() || lookup != Lookup::Absent {
                return false;
            }
        }
        let this = self.object(metatable.concrete);
        self.guard(Op::GuardEq, &[metatable.r, this]);
        self.guard_shape(metatable.concrete, this);
        true
    }

    /// `table.insert(t, v)`
    fn record_insert(&mut self, t: RecordedValue, v: RecordedValue) -> Option<()> {
        if t.concrete.tag != value::TABLE || v.concrete.tag == value::NIL {
            return None;
        }
        self.guard_tag(t);
        let table = self.as_table(t);
        let length = self.length(table)?;
        let one = self.static_integer(1);
        let next = self.integer_add(length, one);
        self.record_set_element(table, next, v).then_some(())
    }

    /// A step of a generic loop by a known iterator; false for what is left to the slow path.
    pub(super) fn record_iteration(&mut self, a: Register, results: usize) -> bool {
        let first = self.slot_of(a);
        let (f, state, control) = (
            self.slot_value(first),
            self.slot_value(first + 1),
            self.slot_value(first + 2),
        );
        if state.concrete.tag != value::TABLE || !(1..=2).contains(&results) {
            return false;
        }
        let Some(iterator) = self.intrinsic(f) else {
            return false;
        };
        let found = match iterator {
            Intrinsic::IpairsStep if control.concrete.tag == value::INTEGER => {
                self.guard_tag(state);
                let t = self.as_table(state);
                self.record_ipairs(t, control)
            }
            Intrinsic::Next => {
                self.guard_tag(state);
                let t = self.as_table(state);
                self.record_next(t, control)
            }
            _ => None,
        };
        let Some((key, v)) = found else {
            return false;
        };
        self.set(a.plus(4), key);
        if results > 1 {
            self.set(a.plus(5), v);
        }
        true
    }

    fn record_ipairs(
        &mut self,
        t: RecordedTable,
        control: RecordedValue,
    ) -> Option<(RecordedValue, RecordedValue)> {
        self.guard_tag(control);
        let (i, one) = (self.as_integer(control), self.static_integer(1));
        let i = self.integer_add(i, one);
        let v = self.element(t, i)?;
        let key = if v.concrete.tag == value::NIL {
            v
        } else {
            self.integer_result(i)
        };
        Some((key, v))
    }

    fn record_next(
        &mut self,
        t: RecordedTable,
        control: RecordedValue,
    ) -> Option<(RecordedValue, RecordedValue)> {
        self.guard_tag(control);
        let vm = self.direct.vm;
        // SAFETY: registers hold the table and the key.
        let found = unsafe { construct::next(vm, t.concrete, control.concrete) }?;
        let (tag, payload) = (self.best_tag(control), self.bits_of(control));
        let answer = self.emit(Op::CallInt, Helper::Next as i32, &[t.r, tag, payload]);
        let expected = self.int(i64::from(found));
        self.guard(Op::GuardEq, &[answer, expected]);
        if !found {
            let nil = self.constant_value(Value::NIL);
            return Some((nil, nil));
        }
        // SAFETY: the machine is live.
        let concrete = unsafe { (*vm).found };
        let at = |n: i32| layout::VM_FOUND + n * layout::VALUE_SIZE;
        let key = self.load_value(concrete[0], Class::Found, Ref::VM, at(0));
        let v = self.load_value(concrete[1], Class::Found, Ref::VM, at(1));
        // Their types are guarded before anything else can be found.
        self.guard_tag(key);
        self.guard_tag(v);
        Some((key, v))
    }

    /// A tail call; false for what is left to the slow path.
    pub(super) fn record_tail_call(&mut self, f: RecordedValue, a: Register, args: usize) -> bool {
        let Some(args) = self.list_length(self.slot_of(a) + 1, args) else {
            return false;
        };
        match f.concrete.tag {
            value::NATIVE_CLOSURE if self.leaves_plainly() => {
                // Others than one are as many as there are.
                let wanted = match self.plain_call() {
                    // SAFETY: a frame of the trace has a site, as live as the caller's proto.
                    Some((site, _)) => (unsafe { (*site).wanted } as usize).max(1),
                    None => 1,
                };
                match self.native_result(f, a, args, wanted) {
                    Some(result @ Some(_)) => self.leave(result),
                    _ => false,
                }
            }
            value::LUA_CLOSURE => {
                self.guard_tag(f);
                let closure = self.as_closure(f);
                !self.must_poll() && self.record_tail_enter(closure, a, args)
            }
            _ => false,
        }
    }

    /// Whether the running function returns to a call in the trace, so that no guard comes of it:
    /// none may follow what a native function has done.
    fn leaves_plainly(&self) -> bool {
        // SAFETY: a frame of the trace has a site, which lives as long as the caller's proto.
        let wanted = self.plain_call().map(|(site, _)| unsafe { (*site).wanted });
        match self.metamethod_purpose() {
            Some(purpose) => !matches!(purpose, Purpose::Branch(_)),
            None => wanted.is_some_and(|wanted| wanted <= LONGEST as i32),
        }
    }

    /// The running Lua function, without variable arguments, is replaced by another one.
    fn record_tail_enter(&mut self, f: RecordedClosure, a: Register, args: usize) -> bool {
        // SAFETY: registers hold the closure and its arguments; the running frame is live.
        let (proto, varargs) = unsafe {
            let frame = (*self.direct.vm).frame_top;
            ((*f.concrete).proto, (*frame).varargs)
        };
        // SAFETY: the proto is live.
        let parameters = unsafe { (*proto).num_params } as usize;
        // The frame of a call in the trace is changed before it is pushed; that of another one
        // would have to be changed in memory.
        if varargs != 0 || self.frames.is_empty() || args > u8::MAX as usize {
            return false;
        }
        self.snapshot();
        let from = self.slot_of(a);
        let kept: Vec<RecordedValue> = (0..args.min(parameters))
            .map(|n| self.slot_value(from + 1 + n as i32))
            .collect();
        // SAFETY: as above.
        if unsafe { !self.direct.tail_enter(f.concrete, a, args) } {
            return false;
        }
        let proto_ref = self.object(proto);
        if !f.r.is_constant() {
            let actual = self.memory(Op::Load64, Class::Constant, layout::CLOSURE_PROTO, &[f.r]);
            self.guard_expected(Op::GuardEq, 0, &[actual, proto_ref]);
        }
        // SAFETY: the proto is live.
        let end = self.base * layout::VALUE_SIZE + unsafe { (*proto).frame_bytes } as i32;
        self.guard_stack(end);
        let mut moved = Vec::with_capacity(kept.len());
        for v in kept {
            let tag = self.best_tag(v);
            moved.push((tag, self.payload_of(v)));
        }
        let base = self.base;
        self.forget(base - 1, i32::MAX);
        let tag = self.int(value::LUA_CLOSURE as i64);
        self.set_slot(base - 1, tag, f.r);
        for (n, (tag, payload)) in moved.into_iter().enumerate() {
            self.set_slot(base + n as i32, tag, payload);
        }
        let (nil, none) = (self.int(value::NIL as i64), self.int(0));
        for n in args..parameters {
            self.set_slot(base + n as i32, nil, none);
        }
        if let Some(frame) = self.frames.last_mut() {
            frame.flags |= FRAME_TAIL_CALL;
        }
        self.active.pop();
        self.active.push(proto);
        self.entered = true;
        true
    }
}
