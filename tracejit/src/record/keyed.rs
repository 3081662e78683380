//! Accesses by any key that are neither fields by constant keys nor elements of the array part: helpers
//! look the key up, and decline where a metamethod is to be asked. A key that has a value in the hash part
//! is looked up once: what is loaded and stored then is in its node, until keys may have moved.

use super::values::Source;
use super::{RecordedTable, RecordedValue, Recording};
use crate::ir::{Class, Helper, Op, Ref};
use perilune_runtime::keyed;
use perilune_runtime::layout;
use perilune_runtime::table::Node;
use perilune_runtime::value;

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
        let node = unsafe { keyed::find_node(self.direct.vm, t.concrete, key.concrete) };
        if let Some((_, v)) = self.record_node(node, t, key) {
            return Some(v);
        }
        // SAFETY: as above.
        let concrete = unsafe { keyed::find(self.direct.vm, t.concrete, key.concrete) }?;
        self.guard_tag(key);
        let (tag, payload) = (self.best_tag(key), self.bits_of(key));
        self.call_or_leave(Helper::Find, &[t.r, tag, payload]);
        let v = self.load_value(concrete, Class::Found, Ref::VM, FOUND);
        // Its type is guarded before anything else can be found.
        self.guard_tag(v);
        Some(v)
    }

    /// The node of a key that has a value, which was found there, and that value.
    fn record_node(
        &mut self,
        node: *mut Node,
        t: RecordedTable,
        key: RecordedValue,
    ) -> Option<(Ref, RecordedValue)> {
        if node.is_null() {
            return None;
        }
        // SAFETY: the node is one of a live table.
        let concrete = unsafe { Node::value(node) };
        if concrete.is_nil() {
            return None;
        }
        self.guard_tag(key);
        let (tag, payload) = (self.best_tag(key), self.bits_of(key));
        let r = self.emit(Op::CallInt, Helper::FindNode as i32, &[t.r, tag, payload]);
        let none = self.int(0);
        self.guard(Op::GuardNe, &[r, none]);
        let tag = self.memory(Op::Load8, Class::Hash, layout::NODE_VALUE_TAG, &[r]);
        let op = match concrete.tag {
            value::FLOAT => Op::LoadFloat,
            _ => Op::Load64,
        };
        let payload = self.memory(op, Class::Hash, layout::NODE_VALUE, &[r]);
        let source = Source::Refs { tag, payload };
        let v = RecordedValue { concrete, source };
        self.guard_tag(v);
        Some((r, v))
    }

    /// Stores over the value of a key in the hash part; false when it is not there.
    fn record_store_over(
        &mut self,
        t: RecordedTable,
        key: RecordedValue,
        v: RecordedValue,
    ) -> bool {
        // SAFETY: registers hold the table and the key.
        let node = unsafe { keyed::find_node(self.direct.vm, t.concrete, key.concrete) };
        let Some((r, _)) = self.record_node(node, t, key) else {
            return false;
        };
        self.guard_tag(v);
        let (tag, payload) = (self.best_tag(v), self.payload_of(v));
        // SAFETY: the table is live, and the node one of its own.
        unsafe {
            self.barrier_back(t, v);
            Node::set_value(node, v.concrete);
        }
        self.memory(Op::Store8, Class::Hash, layout::NODE_VALUE_TAG, &[r, tag]);
        let op = match v.concrete.tag {
            value::FLOAT => Op::StoreFloat,
            _ => Op::Store64,
        };
        self.memory(op, Class::Hash, layout::NODE_VALUE, &[r, payload]);
        true
    }

    /// `t[key] := v`; false for what is left to the slow path.
    pub(super) fn record_store(
        &mut self,
        t: RecordedTable,
        key: RecordedValue,
        v: RecordedValue,
    ) -> bool {
        if self.record_store_over(t, key, v) {
            return true;
        }
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
