//! Members of userdata: methods are constants under guards, plain fields are loads and stores
//! (`places.rs`), other getters and setters are called by steps that know which function to call.
//!
//! Invariant: guards establish that the userdata has the metatable that was seen, and that what is
//! asked for the key is the function or table that was seen. The tables of getters, setters and
//! methods behind such a function are its own and never change (`userdata/members.rs` of the
//! runtime).

use super::{RecordedTable, RecordedValue, Recording};
use crate::ir::{Class, Op};
use perilune_frontend::bytecode::opcode::Opcode;
use perilune_runtime::layout;
use perilune_runtime::machine::{Insn, Machine};
use perilune_runtime::metatable::Event;
use perilune_runtime::string::LuaString;
use perilune_runtime::table::{Lookup, Table};
use perilune_runtime::userdata::Userdata;
use perilune_runtime::userdata::members::{self, Member};
use perilune_runtime::value::{self, Value};

/// What became of an instruction that accesses a member.
pub(super) enum Access {
    /// It is recorded in full.
    Done,
    /// A step is left to do, by this accessor.
    By(Value),
    /// It is left to the slow path.
    Unknown,
}

impl Recording {
    /// A read of a field of a userdata by a constant key, or the look-up of its method.
    ///
    /// # Safety
    /// The instruction is the current one, and none of it was recorded yet but guards.
    pub(super) unsafe fn record_member(&mut self, op: Opcode, i: Insn) -> Access {
        let object = match op {
            Opcode::GetField | Opcode::Method => self.get(i.b()),
            Opcode::GetUpvalueField => self.upvalue(i.bn()),
            _ => return Access::Unknown,
        };
        let key = self.field_key();
        // SAFETY: the caller's contract; registers hold the object.
        let Some(function) = (unsafe { self.asked(object, Event::Index) }) else {
            return Access::Unknown;
        };
        // SAFETY: everything looked at is reachable from the recorded program; nothing collects
        // while one instruction is recorded.
        let found = unsafe {
            let heap = &(*self.direct.vm).heap;
            match function.tag {
                value::TABLE => Some(Member::Elsewhere(function)),
                _ => members::find(heap, function, Value::string(key)),
            }
        };
        match found {
            Some(Member::Value(v)) => {
                // SAFETY: as in `asked`.
                unsafe { self.guard_asked(object, Event::Index) };
                let _ = self.object(v.as_pointer::<u8>());
                let v = self.constant_value(v);
                self.finish_read(op, i, object, v);
                Access::Done
            }
            Some(Member::Elsewhere(table)) if table.tag == value::TABLE => {
                let concrete = table.as_pointer();
                // SAFETY: the table is live.
                if unsafe { !self.has_field(concrete, key) } {
                    return Access::Unknown;
                }
                // SAFETY: as in `asked`.
                unsafe { self.guard_asked(object, Event::Index) };
                let r = self.object(concrete.cast_const());
                match self.record_field(RecordedTable { concrete, r }) {
                    Some(v) => {
                        self.finish_read(op, i, object, v);
                        Access::Done
                    }
                    None => Access::Unknown,
                }
            }
            Some(Member::Accessor(getter)) if getter.tag == value::NATIVE_CLOSURE => {
                // SAFETY: as in `asked`.
                unsafe { self.guard_asked(object, Event::Index) };
                // SAFETY: registers hold the object; the metatable has the getter.
                match unsafe { self.record_place(getter, object) } {
                    Some(v) => {
                        self.finish_read(op, i, object, v);
                        Access::Done
                    }
                    None => Access::By(getter),
                }
            }
            _ => Access::Unknown,
        }
    }

    /// A store to a field of a userdata by a constant key.
    ///
    /// # Safety
    /// As [`Recording::record_member`].
    pub(super) unsafe fn record_set_member(&mut self, op: Opcode, i: Insn) -> Access {
        let object = match op {
            Opcode::SetField | Opcode::SetFieldConst => self.get(i.a()),
            Opcode::SetUpvalueField => self.upvalue(i.an()),
            _ => return Access::Unknown,
        };
        let key = Value::string(self.field_key());
        // SAFETY: as in `record_member`.
        unsafe {
            let Some(function) = self.asked(object, Event::NewIndex) else {
                return Access::Unknown;
            };
            match members::find_setter(&(*self.direct.vm).heap, function, key) {
                Some(Member::Accessor(setter)) if setter.tag == value::NATIVE_CLOSURE => {
                    self.guard_asked(object, Event::NewIndex);
                    let new = match op {
                        Opcode::SetFieldConst => self.constant(i.ck()),
                        _ => self.get(i.c()),
                    };
                    if self.record_set_place(setter, object, new) {
                        self.skip_word();
                        return Access::Done;
                    }
                    Access::By(setter)
                }
                _ => Access::Unknown,
            }
        }
    }

    /// What a read has found.
    fn finish_read(&mut self, op: Opcode, i: Insn, object: RecordedValue, v: RecordedValue) {
        if op == Opcode::Method {
            self.set(i.a().plus(1), object);
        }
        self.set(i.a(), v);
        self.skip_word();
    }

    /// The metamethod of a userdata, if its metatable has that in a slot; nothing is recorded.
    ///
    /// # Safety
    /// The object is live.
    unsafe fn asked(&self, object: RecordedValue, event: Event) -> Option<Value> {
        if object.concrete.tag != value::USERDATA {
            return None;
        }
        let userdata: *const Userdata = object.concrete.as_pointer();
        // SAFETY: the caller's contract.
        unsafe {
            let metatable = (*userdata).metatable;
            if metatable.is_null() {
                return None;
            }
            let heap = &(*self.direct.vm).heap;
            if heap.shapes.get((*metatable).header.extra).is_dictionary() {
                return None;
            }
            match Table::lookup_str(heap, metatable, heap.names[event as usize]) {
                Lookup::Slot(slot) => Some(Table::slot(metatable, slot)),
                _ => None,
            }
        }
    }

    /// Guards that a userdata has the metatable that it has, and that its metamethod is what it is.
    ///
    /// # Safety
    /// [`Recording::asked`] has found a metamethod.
    unsafe fn guard_asked(&mut self, object: RecordedValue, event: Event) {
        self.guard_tag(object);
        let userdata: *const Userdata = object.concrete.as_pointer();
        // SAFETY: the caller's contract.
        unsafe {
            let metatable = (*userdata).metatable;
            let r = self.payload_of(object);
            let at = layout::USERDATA_METATABLE;
            let actual = self.memory(Op::Load64, Class::Userdata, at, &[r]);
            let known = self.object(metatable);
            self.guard_expected(Op::GuardEq, 0, &[actual, known]);
            self.guard_shape(metatable, known);
            let heap = &raw const *(*self.direct.vm).heap;
            let name = (*heap).names[event as usize];
            if let Lookup::Slot(slot) = Table::lookup_str(&*heap, metatable, name) {
                let v = self.load_slot(metatable, known, slot);
                self.guard_tag(v);
                let (actual, known) = (
                    self.payload_of(v),
                    self.object(v.concrete.as_pointer::<u8>()),
                );
                self.guard_expected(Op::GuardEq, 0, &[actual, known]);
            }
        }
    }

    /// Whether a table has a field that is not nil, and its shape says so.
    ///
    /// # Safety
    /// The table is live.
    unsafe fn has_field(&self, t: *mut Table, key: *mut LuaString) -> bool {
        // SAFETY: the caller's contract.
        unsafe {
            let heap = &(*self.direct.vm).heap;
            LuaString::is_interned(key)
                && !heap.shapes.get((*t).header.extra).is_dictionary()
                && matches!(Table::lookup_str(heap, t, key),
                    Lookup::Slot(slot) if !Table::slot(t, slot).is_nil())
        }
    }
}
