//! Accesses by any key that are neither fields by constant keys nor elements of the array part: helpers
//! look the key up, and decline where a metamethod is to be asked.

use super::{RecordedTable, RecordedValue, Recording};
use crate::ir::{Class, Helper, Op, Ref};
use perilune_runtime::keyed;
use perilune_runtime::layout;

/// Where a helper leaves a value for the trace.
const FOUND: i32 = layout::VM_FOUND + layout::VALUE_SIZE;

impl Recording {
    /// `t[key]`; `None` for what is left to the slow path.
    pub(super) fn record_find(
        &mut self,
        t: RecordedTable,
        key: RecordedValue,
    ) -> Option<RecordedValue> {
        // SAFETY: registers hold the table and the key.
        let concrete = unsafe { keyed::find(self.direct.vm, t.concrete, key.concrete) }?;
        self.guard_tag(key);
        let (tag, payload) = (self.best_tag(key), self.bits_of(key));
        self.call_or_leave(Helper::Find, &[t.r, tag, payload]);
        let v = self.load_value(concrete, Class::Found, Ref::VM, FOUND);
        // Its type is guarded before anything else can be found.
        self.guard_tag(v);
        Some(v)
    }

    /// `t[key] := v`; false for what is left to the slow path.
    pub(super) fn record_store(
        &mut self,
        t: RecordedTable,
        key: RecordedValue,
        v: RecordedValue,
    ) -> bool {
        // SAFETY: registers hold all of them.
        if unsafe { !keyed::store(self.direct.vm, t.concrete, key.concrete, v.concrete) } {
            return false;
        }
        self.guard_tag(key);
        self.guard_tag(v);
        let (tag, payload) = (self.best_tag(v), self.bits_of(v));
        self.memory(
            Op::Store8,
            Class::Found,
            FOUND + layout::VALUE_TAG,
            &[Ref::VM, tag],
        );
        self.memory(
            Op::Store64,
            Class::Found,
            FOUND + layout::VALUE_PAYLOAD,
            &[Ref::VM, payload],
        );
        let (tag, payload) = (self.best_tag(key), self.bits_of(key));
        self.call_or_leave(Helper::StoreFound, &[t.r, tag, payload]);
        true
    }
}
