//! Construction of tables, cells and closures, and what changes a table's layout: done by helpers
//! that may decline. A helper that declines has done nothing, so the guard on its answer leaves the
//! trace at the start of the instruction, which the interpreter then performs.

use super::values::Source;
use super::{RecordedTable, RecordedValue, Recording};
use crate::ir::{Class, Helper, Instruction, Op, Ref};
use perilune_runtime::construct;
use perilune_runtime::function::LuaClosure;
use perilune_runtime::layout;
use perilune_runtime::machine::Register;
use perilune_runtime::string::LuaString;
use perilune_runtime::table::Table;
use perilune_runtime::value::{self, Value};

impl Recording {
    /// Calls a helper that answers 0 when it declines, and guards that it did not. The guard has a
    /// snapshot of its own: nothing is gained by a trace that starts where a helper declined.
    pub(super) fn call_or_leave(&mut self, helper: Helper, args: &[Ref]) -> Ref {
        let answer = self.emit(Op::CallInt, helper as i32, args);
        let snapshot = self.take_snapshot(self.instruction);
        let zero = self.int(0);
        let guard = Instruction {
            snapshot,
            ..Instruction::new(Op::GuardNe, 0, &[answer, zero])
        };
        self.push(guard);
        answer
    }

    pub(super) fn set_object(&mut self, a: Register, v: Value, r: Ref) {
        let tag = self.int(v.tag as i64);
        self.write(a, v);
        let slot = self.slot_of(a);
        self.set_slot(slot, tag, r);
    }

    pub(super) fn record_new_table(&mut self, a: Register, array: usize, fields: usize) -> bool {
        // SAFETY: the machine is live.
        let table = unsafe { construct::table(self.direct.vm, array, fields) };
        if table.is_null() {
            return false;
        }
        let sizes = self.int((array << 32 | fields) as i64);
        let r = self.call_or_leave(Helper::NewTable, &[sizes]);
        self.set_object(a, Value::table(table), r);
        true
    }

    pub(super) fn record_new_cell(&mut self, a: Register, v: RecordedValue) -> bool {
        // SAFETY: the machine and the value are live.
        let cell = unsafe { construct::cell(self.direct.vm, v.concrete) };
        if cell.is_null() {
            return false;
        }
        let (tag, payload) = (self.best_tag(v), self.bits_of(v));
        let r = self.call_or_leave(Helper::NewCell, &[tag, payload]);
        self.set_object(a, Value::cell(cell), r);
        true
    }

    pub(super) fn record_new_closure(&mut self, a: Register, n: usize) -> bool {
        // SAFETY: the running closure is live; verified code names an inner function and registers
        // that hold cells; the new closure's upvalues are all set before anything else happens.
        unsafe {
            let proto = (&(*self.proto()).protos)[n];
            let closure = construct::closure(self.direct.vm, proto);
            if closure.is_null() {
                return false;
            }
            let outer = self.closure();
            let upvalues = &(*proto).debug.upvalues;
            let mut cells = Vec::with_capacity(upvalues.len());
            for (n, upvalue) in upvalues.iter().enumerate() {
                let index = upvalue.index as usize;
                let (cell, r) = if upvalue.in_stack {
                    let slot = self.base + index as i32;
                    let concrete = self.concrete(slot);
                    let r = self.payload_of(RecordedValue {
                        concrete,
                        source: Source::Slot(slot),
                    });
                    (concrete.as_pointer(), r)
                } else {
                    let offset = upvalue_offset(index);
                    let r = self.memory(Op::Load64, Class::Upvalue, offset, &[outer.r]);
                    (LuaClosure::upvalue(outer.concrete, index), r)
                };
                LuaClosure::set_upvalue(closure, n, cell);
                cells.push(r);
            }
            let proto = self.object(proto);
            let r = self.call_or_leave(Helper::NewClosure, &[proto]);
            for (n, cell) in cells.into_iter().enumerate() {
                self.memory(Op::Store64, Class::Upvalue, upvalue_offset(n), &[r, cell]);
            }
            self.set_object(a, Value::lua_closure(closure), r);
            true
        }
    }

    /// Stores so many registers behind `a` as list items, or those up to the top (0).
    pub(super) fn record_set_list(&mut self, a: Register, count: usize) -> bool {
        /// Longer lists are left to the runtime, which stores them as fast.
        const LONGEST: usize = 16;
        let slot = self.slot_of(a);
        let Some(count) = self.list_length(slot + 1, if count == 0 { usize::MAX } else { count })
        else {
            return false;
        };
        let place = self.concrete(slot);
        let values: Vec<Value> = (1..=count.min(LONGEST))
            .map(|n| self.concrete(slot + n as i32))
            .collect();
        let has_hole = values.iter().any(|v| v.tag == value::NIL);
        if place.tag != value::TABLE || !(1..=LONGEST).contains(&count) || has_hole {
            return false;
        }
        let table = RecordedValue {
            concrete: place,
            source: Source::Slot(slot),
        };
        self.guard_tag(table);
        let values: Vec<RecordedValue> = values
            .into_iter()
            .enumerate()
            .map(|(n, concrete)| RecordedValue {
                concrete,
                source: Source::Slot(slot + 1 + n as i32),
            })
            .collect();
        for &v in &values {
            self.guard_tag(v);
        }
        let concrete: *mut Table = place.as_pointer();
        // SAFETY: the table is live; the word after the instruction is the index of its first item;
        // the elements are within the capacity when there was room.
        unsafe {
            let first = *self.direct.pc as usize;
            if !construct::extend_list(self.direct.vm, concrete, first, count) {
                return false;
            }
            for (n, v) in values.iter().enumerate() {
                *(*concrete).tags.add(first + n) = v.concrete.tag;
                *(*concrete).array.add(first + n) = v.concrete.payload;
            }
            let t = self.payload_of(table);
            let (from, items) = (self.int(first as i64), self.int(count as i64));
            self.call_or_leave(Helper::ExtendList, &[t, from, items]);
            let t = RecordedTable { concrete, r: t };
            if let Some(&v) = values.iter().find(|v| v.concrete.tag >= value::STRING) {
                self.barrier_back(t, v);
            }
            let items: Vec<(Ref, Ref)> = values
                .into_iter()
                .map(|v| (self.best_tag(v), self.payload_of(v)))
                .collect();
            self.store_items(t.r, first, &items);
        }
        true
    }

    /// Stores list items, by tag and payload, from the index `first` on, where there is room.
    pub(super) fn store_items(&mut self, t: Ref, first: usize, items: &[(Ref, Ref)]) {
        let tags = self.memory(Op::Load64, Class::TableHeader, layout::TABLE_TAGS, &[t]);
        let array = self.memory(Op::Load64, Class::TableHeader, layout::TABLE_ARRAY, &[t]);
        for (n, &(tag, payload)) in items.iter().enumerate() {
            let index = self.int((first + n) as i64);
            self.memory(Op::Store8At, Class::ElementTag, 0, &[tags, index, tag]);
            let op = match self.trace.type_of(payload) {
                crate::ir::Type::Float => Op::StoreFloatAt,
                _ => Op::Store64At,
            };
            self.memory(op, Class::Element, 0, &[array, index, payload]);
        }
    }

    /// A store to a field that the table does not have, by which it gets another shape.
    ///
    /// # Safety
    /// `key` is a live interned string.
    pub(super) unsafe fn record_add_field(
        &mut self,
        t: RecordedTable,
        key: *mut LuaString,
        v: RecordedValue,
    ) -> bool {
        // SAFETY: the table is live; the shape is a child of its shape.
        unsafe {
            if !self.guard_no_newindex(t.concrete, t.r) {
                return false;
            }
            if v.concrete.tag == value::NIL {
                // There is nothing to store.
                self.guard_shape(t.concrete, t.r);
                self.guard_tag(v);
                return true;
            }
            let vm = self.direct.vm;
            self.guard_shape(t.concrete, t.r);
            let Some((shape, slot)) = construct::shape_with(vm, t.concrete, key) else {
                return false;
            };
            self.guard_tag(v);
            if !construct::add_slot(vm, t.concrete, shape) {
                return false;
            }
            Table::set_slot(t.concrete, slot, v.concrete);
            self.depend_on_shape(shape);
            let shape = self.int(shape as i64);
            self.call_or_leave(Helper::AddSlot, &[t.r, shape]);
            let slots = self.memory(Op::Load64, Class::TableHeader, layout::TABLE_SLOTS, &[t.r]);
            let (tag, payload) = (self.best_tag(v), self.payload_of(v));
            let offset = slot as i32 * layout::VALUE_SIZE;
            self.store_value(Class::Record, slots, offset, Some(tag), payload);
            true
        }
    }

    /// A value's payload in a general register.
    pub(super) fn bits_of(&mut self, v: RecordedValue) -> Ref {
        if v.concrete.tag == value::FLOAT {
            self.guard_tag(v);
        }
        let payload = self.payload_of(v);
        if self.trace.type_of(payload) == crate::ir::Type::Float {
            return self.emit(Op::FloatBits, 0, &[payload]);
        }
        payload
    }
}

fn upvalue_offset(n: usize) -> i32 {
    layout::CLOSURE_UPVALUES + (n * size_of::<usize>()) as i32
}
