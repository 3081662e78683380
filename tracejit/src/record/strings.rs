//! Strings: their methods, which are fields of the table that is `__index` of the metatable of all
//! strings, and their concatenation.

use super::values::Source;
use super::{RecordedValue, Recording};
use crate::ir::{Class, Helper, Op, Ref};
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
        if self.fuel.is_counted() || !(2..=MOST).contains(&count) {
            return false;
        }
        let first = self.slot_of(a);
        let parts: Vec<RecordedValue> = (0..count)
            .map(|n| self.slot_value(first + n as i32))
            .collect();
        let is_text = |v: &RecordedValue| {
            matches!(
                v.concrete.tag,
                value::STRING | value::INTEGER | value::FLOAT
            )
        };
        if !parts.iter().all(is_text) {
            return false;
        }
        for &v in &parts {
            self.guard_tag(v);
        }
        let tags = |n: usize| parts.get(n).map(|v| v.concrete.tag);
        let joined = match (tags(0), tags(1), tags(2)) {
            (Some(value::STRING), Some(value::STRING), Some(value::STRING)) => {
                self.join(Helper::ConcatThree, &parts)
            }
            (Some(value::STRING), Some(value::INTEGER), Some(value::STRING)) => {
                self.join(Helper::ConcatInteger, &parts)
            }
            (_, _, None) => self.join(Helper::Concat, &parts),
            // From the right, as the operator associates (manual 3.4.8).
            _ => self
                .join(Helper::Concat, &parts[1..])
                .and_then(|right| self.join(Helper::Concat, &[parts[0], right])),
        };
        let Some(joined) = joined else {
            return false;
        };
        let r = self.payload_of(joined);
        self.set_object(a, joined.concrete, r);
        true
    }

    /// The string that `helper` makes of two or three strings and numbers, whose tags are guarded;
    /// `None` when it declines.
    fn join(&mut self, helper: Helper, parts: &[RecordedValue]) -> Option<RecordedValue> {
        let mut concrete = [Value::NIL; 3];
        let mut operands = [Ref::NONE; 3];
        let first = operands.len() - parts.len();
        for (n, &v) in parts.iter().enumerate() {
            concrete[n] = v.concrete;
            operands[first + n] = self.bits_of(v);
        }
        if let [a, b] = parts {
            let tags = i64::from(a.concrete.tag) | i64::from(b.concrete.tag) << 8;
            operands[0] = self.int(tags);
        }
        // SAFETY: registers hold the strings, or they were just made and nothing collects.
        let string = unsafe { construct::concat(self.direct.vm, &concrete[..parts.len()]) };
        if string.is_null() {
            return None;
        }
        let concrete = Value::string(string);
        let payload = self.call_or_leave(helper, &operands);
        let tag = self.int(concrete.tag as i64);
        Some(RecordedValue {
            concrete,
            source: Source::Refs { tag, payload },
        })
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
