//! What is left to slow paths and asks a metamethod that is a Lua function: arithmetic, indexing,
//! comparisons and calls become calls of that function in the trace (`metamethods.rs`).
//!
//! Invariant: where one of these answers false, it has done nothing but emit guards of what was seen;
//! the instruction is then a residual step.

use super::metamethods::Found;
use super::values::RecordedClosure;
use super::{RecordedTable, RecordedValue, Recording};
use crate::ir::{Class, Helper, Op, Ref};
use perilune_frontend::bytecode::instruction::{FLAG_FLOAT, FLAG_SWAPPED};
use perilune_frontend::bytecode::opcode::{Opcode, Operand};
use perilune_runtime::construct::Purpose;
use perilune_runtime::interp::{Relation, event_of, question};
use perilune_runtime::keyed;
use perilune_runtime::layout;
use perilune_runtime::machine::{Insn, Machine, Slow};
use perilune_runtime::metatable::{Event, type_index};
use perilune_runtime::string::LuaString;
use perilune_runtime::table::{Lookup, Table};
use perilune_runtime::value::{self, Value};

/// How many `__index` or `__newindex` steps are followed.
const MAX_DEPTH: usize = 8;

impl Recording {
    /// The current instruction, which its function leaves to a slow path. False when it is left to that
    /// still.
    ///
    /// # Safety
    /// The instruction is being executed, and its function has done nothing.
    pub(super) unsafe fn record_slow(&mut self, op: Opcode, i: Insn, family: Slow) -> bool {
        // SAFETY: the caller's contract.
        unsafe {
            match family {
                Slow::Arithmetic => self.record_arithmetic_event(op, i),
                Slow::Index => self.record_index_event(op, i),
                Slow::SetIndex => self.record_set_index_event(op, i),
                Slow::Compare => self.record_compare_event(op, i),
                Slow::Call if op == Opcode::Call => {
                    self.record_protected_call(i) || self.record_call_event(i)
                }
                Slow::Concat => self.record_concat_event(i),
                _ => self.record_list(op, i),
            }
        }
    }

    unsafe fn record_arithmetic_event(&mut self, op: Opcode, i: Insn) -> bool {
        let Some(event) = event_of(op) else {
            return false;
        };
        let left = self.get(i.b());
        let right = match op.operands()[2] {
            Operand::Read => self.get(i.c()),
            Operand::Constant => self.constant(i.ck()),
            Operand::Immediate => self.constant_value(Value::integer(i.ci())),
            _ => left,
        };
        let (left, right) = match i.flags() & FLAG_SWAPPED {
            0 => (left, right),
            _ => (right, left),
        };
        // SAFETY: registers hold the operands, or they are constants.
        unsafe {
            match self.metamethod_of_either(event, left, right) {
                Some(f) => self.enter_metamethod(f, &[left, right], Purpose::Store(i.a().0)),
                None => false,
            }
        }
    }

    /// The last two operands of a concatenation, when one of them is a table.
    unsafe fn record_concat_event(&mut self, i: Insn) -> bool {
        // The rest would go on when the metamethod returns.
        if i.bn() != 2 {
            return false;
        }
        let (left, right) = (self.get(i.a()), self.get(i.a().plus(1)));
        if left.concrete.tag != value::TABLE && right.concrete.tag != value::TABLE {
            return false;
        }
        // SAFETY: registers hold the operands.
        unsafe {
            match self.metamethod_of_either(Event::Concat, left, right) {
                Some(f) => self.enter_metamethod(f, &[left, right], Purpose::Concat(i.a().0)),
                None => false,
            }
        }
    }

    /// The metamethod of the first of two operands that has one; both types are guarded.
    ///
    /// # Safety
    /// The operands are live.
    unsafe fn metamethod_of_either(
        &mut self,
        event: Event,
        left: RecordedValue,
        right: RecordedValue,
    ) -> Option<RecordedClosure> {
        self.guard_tag(left);
        self.guard_tag(right);
        for v in [left, right] {
            if v.concrete.tag != value::TABLE {
                if !self.guard_no_type_metamethod(v, event) {
                    return None;
                }
                continue;
            }
            // SAFETY: the caller's contract.
            match unsafe { self.metamethod(v, event) } {
                Found::Function(found) => return Some(found),
                Found::None => {}
                Found::Table(_) | Found::Unknown => return None,
            }
        }
        None
    }

    /// Guards that the metatable which all values of a value's type share has nothing for an event;
    /// false when it has, or each value has its own.
    fn guard_no_type_metamethod(&mut self, v: RecordedValue, event: Event) -> bool {
        let index = type_index(v.concrete);
        // SAFETY: the machine is live, and so are the metatables of types.
        let (metatable, is_absent) = unsafe {
            let heap = &raw const *(*self.direct.vm).heap;
            let metatable = (*self.direct.vm).type_metatables[index];
            let is_absent = metatable.is_null() || {
                let shape = (*heap).shapes.get((*metatable).header.extra);
                let name = (*heap).names[event as usize];
                !shape.is_dictionary()
                    && Table::lookup_str(&*heap, metatable, name) == Lookup::Absent
            };
            (metatable, is_absent)
        };
        if v.concrete.tag == value::USERDATA || !is_absent {
            return false;
        }
        let offset = layout::VM_TYPE_METATABLES + (index * size_of::<usize>()) as i32;
        let actual = self.memory(Op::Load64, Class::Machine, offset, &[Ref::VM]);
        let expected = match metatable.is_null() {
            true => self.int(0),
            false => self.object(metatable),
        };
        self.guard_expected(Op::GuardEq, 0, &[actual, expected]);
        if !metatable.is_null() {
            self.guard_shape(metatable, expected);
        }
        true
    }

    unsafe fn record_index_event(&mut self, op: Opcode, i: Insn) -> bool {
        let object = match op {
            Opcode::GetUpvalueField => self.upvalue(i.bn()),
            _ => self.get(i.b()),
        };
        let key = match op {
            Opcode::GetIndex => self.get(i.c()),
            Opcode::GetInt => self.constant_value(Value::integer(i.cn() as i64)),
            _ => self.constant(i.ck()),
        };
        // SAFETY: registers and upvalues hold the object and the key.
        let found = unsafe { self.metamethod_for_key(object, key, Event::Index) };
        let Some((f, asked)) = found else {
            return false;
        };
        let (receiver, tag, payload) = (
            self.slot_of(i.a()) + 1,
            self.best_tag(object),
            self.payload_of(object),
        );
        let base = self.direct.base;
        // SAFETY: as above.
        if unsafe { !self.enter_metamethod(f, &[asked, key], Purpose::Store(i.a().0)) } {
            return false;
        }
        if op == Opcode::Method {
            // SAFETY: the register after A is one of the caller, whose base this was.
            unsafe { *base.byte_add(i.a().plus(1).0) = object.concrete };
            self.set_slot(receiver, tag, payload);
        }
        true
    }

    unsafe fn record_set_index_event(&mut self, op: Opcode, i: Insn) -> bool {
        let object = match op {
            Opcode::SetUpvalueField => self.upvalue(i.an()),
            _ => self.get(i.a()),
        };
        let key = match op {
            Opcode::SetIndex | Opcode::SetIndexConst => self.get(i.b()),
            Opcode::SetInt => self.constant_value(Value::integer(i.bn() as i64)),
            _ => self.constant(i.bk()),
        };
        let new = match op {
            Opcode::SetIndexConst | Opcode::SetFieldConst => self.constant(i.ck()),
            _ => self.get(i.c()),
        };
        // SAFETY: registers and upvalues hold all of them.
        unsafe {
            match self.metamethod_for_key(object, key, Event::NewIndex) {
                Some((f, asked)) => self.enter_metamethod(f, &[asked, key, new], Purpose::Discard),
                None => false,
            }
        }
    }

    /// The function that is asked for a key which tables do not have, and the table that asks it.
    ///
    /// # Safety
    /// The object and the key are live.
    unsafe fn metamethod_for_key(
        &mut self,
        object: RecordedValue,
        key: RecordedValue,
        event: Event,
    ) -> Option<(RecordedClosure, RecordedValue)> {
        let mut object = object;
        for _ in 0..MAX_DEPTH {
            if object.concrete.tag != value::TABLE {
                return None;
            }
            self.guard_tag(object);
            let t = self.as_table(object);
            // SAFETY: the caller's contract; a metatable's fields are as live as the object.
            unsafe {
                if !self.guard_absent(t, key) {
                    return None;
                }
                match self.metamethod(object, event) {
                    Found::Function(f) => return Some((f, object)),
                    Found::Table(next) => object = next,
                    Found::None | Found::Unknown => return None,
                }
            }
        }
        None
    }

    /// Guards that a table has no value for a key; false when it has one.
    ///
    /// # Safety
    /// Both are live.
    unsafe fn guard_absent(&mut self, t: RecordedTable, key: RecordedValue) -> bool {
        // SAFETY: the caller's contract.
        unsafe {
            if !keyed::is_absent(self.direct.vm, t.concrete, key.concrete) {
                return false;
            }
            self.guard_tag(key);
            let heap = &raw const *(*self.direct.vm).heap;
            let is_constant = self.payload_of(key).is_constant();
            let is_dictionary = (*heap)
                .shapes
                .get((*t.concrete).header.extra)
                .is_dictionary();
            // The shape says nothing of long strings: these are in the hash part.
            let is_short = key.concrete.tag == value::STRING
                && LuaString::is_interned(key.concrete.as_pointer());
            if is_short && is_constant && !is_dictionary {
                match Table::lookup_str(&*heap, t.concrete, key.concrete.as_pointer()) {
                    Lookup::Absent => {
                        self.guard_shape(t.concrete, t.r);
                        return true;
                    }
                    Lookup::Slot(slot) => {
                        self.guard_shape(t.concrete, t.r);
                        let v = self.load_slot(t.concrete, t.r, slot);
                        self.guard_tag(v);
                        return true;
                    }
                    Lookup::HashNode(_) => {}
                }
            }
            if key.concrete.tag == value::INTEGER {
                let index = self.as_integer(key);
                if self.guard_absent_element(t, index) {
                    return true;
                }
            }
        }
        let (tag, payload) = (self.best_tag(key), self.bits_of(key));
        let absent = self.emit(Op::CallInt, Helper::IsAbsent as i32, &[t.r, tag, payload]);
        let one = self.int(1);
        self.guard(Op::GuardEq, &[absent, one]);
        true
    }

    unsafe fn record_compare_event(&mut self, op: Opcode, i: Insn) -> bool {
        let asked = question(op);
        let a = self.get(i.a());
        let b = match op.operands()[1] {
            Operand::Read => self.get(i.b()),
            Operand::Constant => self.constant(i.bk()),
            _ if i.flags() & FLAG_FLOAT != 0 => self.constant_value(Value::float(i.bi() as f64)),
            _ => self.constant_value(Value::integer(i.bi())),
        };
        let (left, right) = if asked.swapped { (b, a) } else { (a, b) };
        let (x, y) = (left.concrete, right.concrete);
        let event = match asked.relation {
            Relation::Equal => {
                if x.tag != value::TABLE || y.tag != value::TABLE || x.payload == y.payload {
                    return false;
                }
                self.is_identical(left, right);
                Event::Eq
            }
            // What is not two tables may be two numbers or strings.
            _ if x.tag != value::TABLE && y.tag != value::TABLE => return false,
            Relation::Less => Event::Lt,
            Relation::LessOrEqual => Event::Le,
        };
        // SAFETY: registers hold the operands, or they are constants.
        unsafe {
            match self.metamethod_of_either(event, left, right) {
                Some(f) => self.enter_metamethod(f, &[left, right], Purpose::Branch(asked.sense)),
                None => false,
            }
        }
    }

    /// A call of a table: of its `__call`, with the table before the other arguments.
    unsafe fn record_call_event(&mut self, i: Insn) -> bool {
        let called = self.get(i.a());
        let first = self.slot_of(i.a());
        let given = i.bn().wrapping_sub(1);
        let (value::TABLE, Some(args)) = (called.concrete.tag, self.list_length(first + 1, given))
        else {
            return false;
        };
        // SAFETY: a register holds the table.
        let found = unsafe { self.metamethod(called, Event::Call) };
        // SAFETY: the machine is live.
        let room = unsafe { (*self.direct.vm).stack_limit };
        let place = self.direct.base.wrapping_byte_add(i.a().0);
        let Found::Function(f) = found else {
            return false;
        };
        if place.wrapping_add(args + 2) > room || self.must_poll() {
            return false;
        }
        self.snapshot();
        let mut moved = Vec::with_capacity(args + 1);
        for n in 0..=args as i32 {
            let v = self.slot_value(first + n);
            moved.push((v.concrete, self.best_tag(v), self.payload_of(v)));
        }
        let known = self.shadow.clone();
        let tag = self.int(value::LUA_CLOSURE.into());
        self.set_slot(first, tag, f.r);
        for (n, &(_, tag, payload)) in moved.iter().enumerate() {
            self.set_slot(first + 1 + n as i32, tag, payload);
        }
        // SAFETY: there is room for one more value.
        unsafe {
            *place = Value::lua_closure(f.concrete);
            for (n, v) in moved.iter().enumerate() {
                *place.add(1 + n) = v.0;
            }
        }
        if self.record_enter(f, i.a(), args + 1) {
            return true;
        }
        // SAFETY: back to where they were.
        unsafe {
            for (n, v) in moved.iter().enumerate() {
                *place.add(n) = v.0;
            }
        }
        self.shadow = known;
        false
    }
}
