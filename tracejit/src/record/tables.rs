//! Fields and elements: accesses through shapes and the array part, written as loads and stores.

use super::values::Source;
use super::{RecordedInteger, RecordedTable, RecordedValue, Recording};
use crate::ir::{Class, Helper, Op, Ref};
use perilune_frontend::bytecode::opcode::Opcode;
use perilune_runtime::construct;
use perilune_runtime::layout;
use perilune_runtime::machine::{Direct, Insn, Machine};
use perilune_runtime::metatable::Event;
use perilune_runtime::string::LuaString;
use perilune_runtime::table::shape::NO_SLOT;
use perilune_runtime::table::{Lookup, Table};
use perilune_runtime::value::{self, Value};

/// How many `__index` steps are followed.
const MAX_DEPTH: usize = 8;
/// The shape id of a word of a table's header.
fn slot_offset(slot: u32) -> i32 {
    slot as i32 * layout::VALUE_SIZE
}

impl Recording {
    /// Guards that a table has the shape that it was seen to have.
    pub(super) fn guard_shape(&mut self, t: *const Table, r: Ref) {
        // SAFETY: the table is live: the recorded program holds it.
        let id = unsafe { (*t).header.extra };
        self.depend_on_shape(id);
        let shape = self.memory(Op::Load32, Class::Shape, layout::OBJECT_EXTRA, &[r]);
        let expected = self.int(id as i64);
        // Objects of several kinds often meet in one place: each gets a side trace, from here.
        self.guard(Op::GuardEq, &[shape, expected]);
    }

    /// The trace names a shape.
    pub(super) fn depend_on_shape(&mut self, id: u32) {
        if !self.dependencies.shapes.contains(&id) {
            self.dependencies.shapes.push(id);
        }
    }

    /// Guards that a store of a new key to a table asks no metamethod; false when it does, or might.
    ///
    /// # Safety
    /// The table is live.
    pub(super) unsafe fn guard_no_newindex(&mut self, t: *const Table, r: Ref) -> bool {
        // SAFETY: the caller's contract.
        unsafe {
            let heap = &raw const *(*self.direct.vm).heap;
            if Table::metatable(&*heap, t).is_null() {
                return self.guard_no_metatable(t, r);
            }
            let Some((metatable, metatable_ref)) = self.record_metatable(t, r) else {
                return false;
            };
            let name = (*heap).names[Event::NewIndex as usize];
            let is_dictionary = (*heap)
                .shapes
                .get((*metatable).header.extra)
                .is_dictionary();
            if is_dictionary || Table::lookup_str(&*heap, metatable, name) != Lookup::Absent {
                return false;
            }
            self.guard_shape(metatable, metatable_ref);
            true
        }
    }

    /// The constant key of the current field access.
    pub(super) fn field_key(&self) -> *mut LuaString {
        // SAFETY: the current instruction is a field access of verified code.
        unsafe {
            let i = Insn::at(self.instruction);
            let k = match Opcode::ALL[i.op_byte() as usize] {
                Opcode::SetField | Opcode::SetFieldConst | Opcode::SetUpvalueField => i.bk(),
                _ => i.ck(),
            };
            let mut direct = Direct::new(
                self.direct.vm,
                self.direct.pc,
                self.direct.base,
                self.direct.constants,
            );
            direct.constant(k).value().as_pointer()
        }
    }

    /// A record slot of a table whose shape was guarded.
    pub(super) fn load_slot(&mut self, t: *const Table, r: Ref, slot: u32) -> RecordedValue {
        let slots = self.memory(Op::Load64, Class::TableHeader, layout::TABLE_SLOTS, &[r]);
        // SAFETY: the shape says that the slot exists.
        let concrete = unsafe { Table::slot(t, slot) };
        self.load_value(concrete, Class::Record, slots, slot_offset(slot))
    }

    /// A field by a constant key, own or inherited through tables; `None` for what is left to the
    /// slow path.
    pub(super) fn record_field(&mut self, t: RecordedTable) -> Option<RecordedValue> {
        let key = self.field_key();
        // SAFETY: everything looked at is reachable from the recorded program; nothing collects
        // while one instruction is recorded.
        unsafe {
            let heap = &raw const *(*self.direct.vm).heap;
            if !LuaString::is_interned(key) || !is_plain(&*heap, t.concrete, key) {
                return None;
            }
            let index = (*heap).names[Event::Index as usize];
            let (mut current, mut r) = (t.concrete, t.r);
            for _ in 0..MAX_DEPTH {
                self.guard_shape(current, r);
                if let Lookup::Slot(slot) = Table::lookup_str(&*heap, current, key) {
                    let v = self.load_slot(current, r, slot);
                    if v.concrete.tag != value::NIL {
                        self.guard_not_nil(v);
                        return Some(v);
                    }
                    self.guard_tag(v);
                }
                let Some((metatable, metatable_ref)) = self.record_metatable(current, r) else {
                    return Some(self.constant_value(Value::NIL));
                };
                self.guard_shape(metatable, metatable_ref);
                let Lookup::Slot(slot) = Table::lookup_str(&*heap, metatable, index) else {
                    return Some(self.constant_value(Value::NIL));
                };
                let next = self.load_slot(metatable, metatable_ref, slot);
                match self.guard_tag(next) {
                    value::TABLE => {}
                    value::NIL => return Some(self.constant_value(Value::NIL)),
                    _ => return None,
                }
                let payload = self.payload_of(next);
                current = next.concrete.as_pointer();
                r = self.object(current);
                self.guard_expected(Op::GuardEq, 0, &[payload, r]);
            }
            None
        }
    }

    /// The metatable of a table, with a guard on its shape and on whatever else decides that.
    ///
    /// # Safety
    /// The table is live.
    pub(super) unsafe fn record_metatable(
        &mut self,
        t: *const Table,
        r: Ref,
    ) -> Option<(*mut Table, Ref)> {
        self.guard_shape(t, r);
        // SAFETY: the caller's contract; the shape says where the metatable is.
        unsafe {
            let shape = (*self.direct.vm).heap.shapes.get((*t).header.extra);
            let (slot, metatable) = (shape.metatable_slot, shape.metatable);
            if slot == NO_SLOT {
                return (!metatable.is_null()).then(|| (metatable, self.object(metatable)));
            }
            // The slot of a metatable that was taken away holds nil.
            let v = self.load_slot(t, r, slot as u32);
            match self.guard_tag(v) {
                value::TABLE => Some((v.concrete.as_pointer(), self.payload_of(v))),
                _ => None,
            }
        }
    }

    /// `#t` of a table without metatable: its border.
    pub(super) fn record_length(&mut self, t: RecordedTable) -> Option<RecordedInteger> {
        let concrete = self.executing().length(t.concrete)?;
        // SAFETY: the table is live.
        if unsafe { !self.guard_no_metatable(t.concrete, t.r) } {
            return None;
        }
        let r = self.memory(Op::Load32, Class::TableHeader, layout::TABLE_BORDER, &[t.r]);
        Some(RecordedInteger { concrete, r })
    }

    /// Guards that a table has no metatable; false when it has one.
    ///
    /// # Safety
    /// The table is live.
    pub(super) unsafe fn guard_no_metatable(&mut self, t: *const Table, r: Ref) -> bool {
        // SAFETY: the caller's contract.
        unsafe {
            let heap = &raw const *(*self.direct.vm).heap;
            Table::metatable(&*heap, t).is_null() && self.record_metatable(t, r).is_none()
        }
    }

    /// Stores to an own field that has a value, or had one and no metamethod is due.
    pub(super) fn record_set_field(&mut self, t: RecordedTable, v: RecordedValue) -> bool {
        let key = self.field_key();
        // SAFETY: as in `record_field`; a slot of the shape is written as the interpreter does.
        unsafe {
            let heap = &raw const *(*self.direct.vm).heap;
            if !LuaString::is_interned(key) {
                return false;
            }
            let slot = match Table::lookup_str(&*heap, t.concrete, key) {
                Lookup::Slot(slot) => slot,
                Lookup::Absent => return self.record_add_field(t, key, v),
                Lookup::HashNode(_) => return false,
            };
            let old = Table::slot(t.concrete, slot);
            let was_nil = old.tag == value::NIL;
            if was_nil && !self.guard_no_newindex(t.concrete, t.r) {
                return false;
            }
            self.guard_shape(t.concrete, t.r);
            let slots = self.memory(Op::Load64, Class::TableHeader, layout::TABLE_SLOTS, &[t.r]);
            let offset = slot_offset(slot);
            let old_tag = self.memory(
                Op::Load8,
                Class::Record,
                offset + layout::VALUE_TAG,
                &[slots],
            );
            self.guard_tag(v);
            let keeps_tag = old.tag == v.concrete.tag && old.tag <= value::FLOAT;
            let (guard, expected) = match (keeps_tag, was_nil) {
                (true, _) => (Op::GuardEq, old.tag),
                (false, true) => (Op::GuardEq, value::NIL),
                (false, false) => (Op::GuardNe, value::NIL),
            };
            let expected = self.int(expected as i64);
            self.guard_expected(guard, 0, &[old_tag, expected]);
            let (tag, payload) = (self.best_tag(v), self.payload_of(v));
            let tag = (!keeps_tag).then_some(tag);
            self.barrier_back(t, v);
            self.store_value(Class::Record, slots, offset, tag, payload);
            if was_nil {
                let none = self.int(0);
                self.memory(Op::Store8, Class::Mark, layout::OBJECT_FLAGS, &[t.r, none]);
            }
            Table::set_slot(t.concrete, slot, v.concrete);
            true
        }
    }

    /// `i - 1`: where the element with the index `i` stands, counted from 0.
    fn place_of(&mut self, i: RecordedInteger) -> Ref {
        if let Some(i) = self.trace.int_of(i.r) {
            return self.int(i.wrapping_sub(1));
        }
        let one = self.int(1);
        if let Some(n) = i.r.as_instruction() {
            let known = &self.trace.code[n];
            if known.op == Op::Add && known.args[1] == one {
                return known.args[0];
            }
        }
        self.emit(Op::Sub, 0, &[i.r, one])
    }

    /// `i - 1`, guarded to be below the table's capacity (`within`) or not.
    fn guard_index(&mut self, t: RecordedTable, i: RecordedInteger, within: bool) -> Ref {
        let index = self.place_of(i);
        let capacity = self.memory(
            Op::Load32,
            Class::TableHeader,
            layout::TABLE_CAPACITY,
            &[t.r],
        );
        let guard = if within {
            Op::GuardBelow
        } else {
            Op::GuardNotBelow
        };
        self.guard_expected(guard, 0, &[index, capacity]);
        index
    }

    /// An element of the array part; nil only where no metamethod is due.
    pub(super) fn record_element(
        &mut self,
        t: RecordedTable,
        i: RecordedInteger,
    ) -> Option<RecordedValue> {
        // SAFETY: the table is live; the index is checked against its capacity.
        unsafe {
            let place = (i.concrete as u64).wrapping_sub(1);
            if place >= (*t.concrete).capacity as u64 {
                return self.record_missing_element(t, i);
            }
            let concrete = Value {
                tag: *(*t.concrete).tags.add(place as usize),
                payload: *(*t.concrete).array.add(place as usize),
            };
            let is_nil = concrete.tag == value::NIL;
            if is_nil {
                // Without a metatable nil is the answer, unless the hash part has the key, which
                // it has not within the capacity.
                if !self.guard_no_metatable(t.concrete, t.r) {
                    return None;
                }
            }
            let index = self.guard_index(t, i, true);
            let tags = self.memory(Op::Load64, Class::TableHeader, layout::TABLE_TAGS, &[t.r]);
            let tag = self.memory(Op::Load8At, Class::ElementTag, 0, &[tags, index]);
            if is_nil {
                let nil = self.int(value::NIL as i64);
                self.guard(Op::GuardEq, &[tag, nil]);
                return Some(self.constant_value(Value::NIL));
            }
            let array = self.memory(Op::Load64, Class::TableHeader, layout::TABLE_ARRAY, &[t.r]);
            let op = if concrete.tag == value::FLOAT {
                Op::LoadFloatAt
            } else {
                Op::Load64At
            };
            // The exact tag is guarded, which also says that it is not nil.
            let expected = self.int(concrete.tag as i64);
            self.guard_expected(Op::GuardEq, 0, &[tag, expected]);
            let payload = self.memory(op, Class::Element, 0, &[array, index]);
            Some(RecordedValue {
                concrete,
                source: Source::Refs {
                    tag: expected,
                    payload,
                },
            })
        }
    }

    /// Guards that a table has no element for an index, in its array part or beyond it where it has no
    /// other part; false for others.
    ///
    /// # Safety
    /// The table is live and has no value for the index.
    pub(super) unsafe fn guard_absent_element(
        &mut self,
        t: RecordedTable,
        i: RecordedInteger,
    ) -> bool {
        // SAFETY: the caller's contract.
        let (is_within, has_hash) = unsafe {
            let place = (i.concrete as u64).wrapping_sub(1);
            (
                place < (*t.concrete).capacity as u64,
                !(*t.concrete).hash.is_null(),
            )
        };
        if is_within {
            let index = self.guard_index(t, i, true);
            let tags = self.memory(Op::Load64, Class::TableHeader, layout::TABLE_TAGS, &[t.r]);
            let tag = self.memory(Op::Load8At, Class::ElementTag, 0, &[tags, index]);
            let nil = self.int(value::NIL as i64);
            self.guard(Op::GuardEq, &[tag, nil]);
            return true;
        }
        if has_hash {
            return false;
        }
        self.guard_index(t, i, false);
        let hash = self.memory(Op::Load64, Class::TableHeader, layout::TABLE_HASH, &[t.r]);
        let null = self.int(0);
        self.guard(Op::GuardEq, &[hash, null]);
        true
    }

    /// An element beyond the array part of a table that has no other: nil.
    unsafe fn record_missing_element(
        &mut self,
        t: RecordedTable,
        i: RecordedInteger,
    ) -> Option<RecordedValue> {
        // SAFETY: the table is live; it has nothing beyond its array part.
        unsafe {
            let is_missing = (*t.concrete).hash.is_null()
                && self.guard_no_metatable(t.concrete, t.r)
                && self.guard_absent_element(t, i);
            is_missing.then(|| self.constant_value(Value::NIL))
        }
    }

    /// Stores over an element within the border, or appends.
    pub(super) fn record_set_element(
        &mut self,
        t: RecordedTable,
        i: RecordedInteger,
        v: RecordedValue,
    ) -> bool {
        // SAFETY: the table is live; the index is checked against its border.
        unsafe {
            let place = (i.concrete as u64).wrapping_sub(1);
            let tag = v.concrete.tag;
            if tag == value::NIL {
                return false;
            }
            if place >= (*t.concrete).border as u64 {
                return self.record_append(t, i, v);
            }
            let old = *(*t.concrete).tags.add(place as usize);
            if old == value::NIL {
                return false;
            }
            self.guard_tag(v);
            let index = self.place_of(i);
            let border = self.memory(Op::Load32, Class::TableHeader, layout::TABLE_BORDER, &[t.r]);
            self.guard_expected(Op::GuardBelow, 0, &[index, border]);
            let tags = self.memory(Op::Load64, Class::TableHeader, layout::TABLE_TAGS, &[t.r]);
            let array = self.memory(Op::Load64, Class::TableHeader, layout::TABLE_ARRAY, &[t.r]);
            let old_tag = self.memory(Op::Load8At, Class::ElementTag, 0, &[tags, index]);
            let is_boolean = |tag: value::Tag| matches!(tag, value::FALSE | value::TRUE);
            let keeps_tag = old == tag && tag <= value::FLOAT;
            let keeps_payload = is_boolean(old) && is_boolean(tag);
            if keeps_payload {
                self.guard_boolean(old_tag);
            } else {
                let (guard, expected) = match keeps_tag {
                    true => (Op::GuardEq, old),
                    false => (Op::GuardNe, value::NIL),
                };
                let expected = self.int(expected as i64);
                self.guard_expected(guard, 0, &[old_tag, expected]);
            }
            let payload = self.payload_of(v);
            self.barrier_back(t, v);
            if !keeps_tag {
                let tag = self.best_tag(v);
                self.memory(Op::Store8At, Class::ElementTag, 0, &[tags, index, tag]);
            }
            if !keeps_payload {
                let op = match tag {
                    value::FLOAT => Op::StoreFloatAt,
                    _ => Op::Store64At,
                };
                self.memory(op, Class::Element, 0, &[array, index, payload]);
            }
            *(*t.concrete).tags.add(place as usize) = tag;
            *(*t.concrete).array.add(place as usize) = v.concrete.payload;
            true
        }
    }

    /// Guards that a tag is that of a boolean. All booleans have the same payload, so that one may be
    /// stored over another by its tag alone: of a large array of booleans the caches then see nothing
    /// but the tags.
    fn guard_boolean(&mut self, tag: Ref) {
        const FIRST: i64 = value::FALSE as i64;
        const DIFFERENCE: i64 = value::TRUE as i64 - FIRST;
        const _: () = assert!(DIFFERENCE.count_ones() == 1);
        let (first, others) = (self.int(FIRST), self.int(!DIFFERENCE));
        let distance = self.emit(Op::Sub, 0, &[tag, first]);
        self.guard_expected(Op::GuardNoBits, 0, &[distance, others]);
    }

    /// `t[#t + 1] = v` by a helper that answers whether there was room: where there was not, it
    /// has done nothing, so the guard on its answer may leave the trace.
    unsafe fn record_append(
        &mut self,
        t: RecordedTable,
        i: RecordedInteger,
        v: RecordedValue,
    ) -> bool {
        // SAFETY: the table is live.
        let appends = unsafe {
            i.concrete == Table::border(t.concrete) + 1
                && Table::metatable(&(*self.direct.vm).heap, t.concrete).is_null()
        };
        if !appends {
            return false;
        }
        if v.concrete.tag >= value::STRING {
            // SAFETY: the table is live.
            unsafe {
                (*self.direct.vm)
                    .heap
                    .barrier_back(&raw mut (*t.concrete).header);
            }
        }
        // First by itself: what is declined is a residual step.
        // SAFETY: all are live; the barrier is done.
        if unsafe { !construct::append(self.direct.vm, t.concrete, v.concrete) } {
            return false;
        }
        // What was appended has changed neither shape nor metatable.
        // SAFETY: the table is live.
        unsafe { self.guard_no_metatable(t.concrete, t.r) };
        self.guard_tag(v);
        let index = self.place_of(i);
        let border = self.memory(Op::Load32, Class::TableHeader, layout::TABLE_BORDER, &[t.r]);
        self.guard(Op::GuardEq, &[index, border]);
        let (tag, payload) = (self.best_tag(v), self.bits_of(v));
        if v.concrete.tag >= value::STRING {
            self.emit(Op::BarrierBack, 0, &[t.r]);
        }
        self.call_or_leave(Helper::Append, &[t.r, tag, payload]);
        true
    }

    /// The write barrier for a store of `v` into a table, done and recorded.
    ///
    /// # Safety
    /// The table is live, and the tag of `v` guarded.
    pub(super) unsafe fn barrier_back(&mut self, t: RecordedTable, v: RecordedValue) {
        if v.concrete.tag >= value::STRING {
            // SAFETY: the caller's contract.
            unsafe {
                (*self.direct.vm)
                    .heap
                    .barrier_back(&raw mut (*t.concrete).header);
            }
            self.emit(Op::BarrierBack, 0, &[t.r]);
        }
    }
}

/// Whether what a field access sees is decided by shapes: no table on its way keeps string keys in
/// its hash part.
unsafe fn is_plain(heap: &perilune_runtime::gc::Heap, t: *mut Table, key: *mut LuaString) -> bool {
    // SAFETY: the caller passes a live table of the heap.
    unsafe {
        let index = heap.names[Event::Index as usize];
        let is_dictionary = |t: *mut Table| heap.shapes.get((*t).header.extra).is_dictionary();
        let mut current = t;
        for _ in 0..MAX_DEPTH {
            if is_dictionary(current) {
                return false;
            }
            if let Lookup::Slot(slot) = Table::lookup_str(heap, current, key)
                && Table::slot(current, slot).tag != value::NIL
            {
                return true;
            }
            let metatable = Table::metatable(heap, current);
            if metatable.is_null() {
                return true;
            }
            if is_dictionary(metatable) {
                return false;
            }
            let Lookup::Slot(slot) = Table::lookup_str(heap, metatable, index) else {
                return true;
            };
            let next = Table::slot(metatable, slot);
            match next.tag {
                value::TABLE => current = next.as_pointer(),
                value::NIL => return true,
                _ => return false,
            }
        }
        false
    }
}
