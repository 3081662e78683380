//! Strings: their methods, which are fields of the table that is `__index` of the metatable of all
//! strings, and their concatenation.

use super::{RecordedValue, Recording};
use crate::ir::{Class, Helper, Op, Ref};
use perilune_frontend::number::Number;
use perilune_runtime::construct;
use perilune_runtime::layout;
use perilune_runtime::machine::Register;
use perilune_runtime::metatable::{Event, STRING_TYPE};
use perilune_runtime::string::LuaString;
use perilune_runtime::table::{Lookup, Table};
use perilune_runtime::value::{self, Value};

impl Recording {
    /// The method of the current instruction's name that strings have; `None` for what is left to
    /// the slow path.
    pub(super) fn record_string_method(&mut self) -> Option<RecordedValue> {
        let key = self.field_key();
        // SAFETY: everything looked at is reachable from the machine; nothing collects while one
        // instruction is recorded.
        unsafe {
            let metatable = (*self.direct.vm).type_metatables[STRING_TYPE];
            if metatable.is_null() || !LuaString::is_interned(key) {
                return None;
            }
            let index = (*self.direct.vm).heap.names[Event::Index as usize];
            let (index_slot, index) = self.own_slot(metatable, index)?;
            let methods: *mut Table = index.to_table()?;
            let (slot, _) = self.own_slot(methods, key)?;
            let offset = layout::VM_TYPE_METATABLES + (STRING_TYPE * size_of::<usize>()) as i32;
            let actual = self.memory(Op::Load64, Class::Machine, offset, &[Ref::VM]);
            let metatable_ref = self.object(metatable);
            self.guard_expected(Op::GuardEq, 0, &[actual, metatable_ref]);
            self.guard_shape(metatable, metatable_ref);
            let index = self.load_slot(metatable, metatable_ref, index_slot);
            self.guard_tag(index);
            let (actual, methods_ref) = (self.payload_of(index), self.object(methods));
            self.guard_expected(Op::GuardEq, 0, &[actual, methods_ref]);
            self.guard_shape(methods, methods_ref);
            let method = self.load_slot(methods, methods_ref, slot);
            self.guard_not_nil(method);
            Some(method)
        }
    }

    /// The concatenation of a register and those behind it, if all are strings or numbers and they
    /// are few; false for what is left to the slow path.
    pub(super) fn record_concat(&mut self, a: Register, count: usize) -> bool {
        /// More strings are left to the runtime, which joins them all at once.
        const MOST: usize = 3;
        // Which fuel long strings take is the runtime's to say.
        if self.fuel.is_counted() {
            return false;
        }
        let first = self.slot_of(a);
        let values: Vec<RecordedValue> = (0..count.min(MOST + 1))
            .map(|n| self.slot_value(first + n as i32))
            .collect();
        let is_text = |v: &RecordedValue| {
            matches!(
                v.concrete.tag,
                value::STRING | value::INTEGER | value::FLOAT
            )
        };
        if !(2..=MOST).contains(&count) || !values.iter().all(is_text) {
            return false;
        }
        for &v in &values {
            self.guard_tag(v);
        }
        let mut parts = Vec::with_capacity(count);
        for v in values {
            match self.string_of(v) {
                Some(part) => parts.push(part),
                None => return false,
            }
        }
        let strings: Vec<*const LuaString> = parts.iter().map(|part| part.0).collect();
        // SAFETY: registers hold the strings, or they were just made and nothing collects.
        let result = unsafe { construct::concat(self.direct.vm, &strings) };
        if result.is_null() {
            return false;
        }
        let refs: Vec<Ref> = parts.iter().map(|part| part.1).collect();
        let helper = if count == 2 {
            Helper::Concat
        } else {
            Helper::ConcatThree
        };
        let r = self.call_or_leave(helper, &refs);
        self.set_object(a, Value::string(result), r);
        true
    }

    /// A string, or a number as one; `None` when making one is declined.
    fn string_of(&mut self, v: RecordedValue) -> Option<(*const LuaString, Ref)> {
        let number = match v.concrete.tag {
            value::INTEGER => Number::Integer(v.concrete.as_integer()),
            value::FLOAT => Number::Float(v.concrete.as_float()),
            _ => return Some((v.concrete.as_pointer(), self.payload_of(v))),
        };
        // SAFETY: the machine is live.
        let string = unsafe { construct::number_string(self.direct.vm, number) };
        if string.is_null() {
            return None;
        }
        let (tag, payload) = (self.best_tag(v), self.bits_of(v));
        let r = self.call_or_leave(Helper::NumberString, &[tag, payload]);
        Some((string, r))
    }

    /// A field of a table that is not nil, if its shape says where it is.
    ///
    /// # Safety
    /// The table and the interned key are live.
    unsafe fn own_slot(&self, t: *const Table, key: *mut LuaString) -> Option<(u32, Value)> {
        // SAFETY: the caller's contract.
        unsafe {
            let heap = &(*self.direct.vm).heap;
            if heap.shapes.get((*t).header.extra).is_dictionary() {
                return None;
            }
            let Lookup::Slot(slot) = Table::lookup_str(heap, t, key) else {
                return None;
            };
            let v = Table::slot(t, slot);
            (!v.is_nil()).then_some((slot, v))
        }
    }
}
