//! Reads and stores by any key, as traces do them: nothing is raised or collected, and no Lua code runs.
//!
//! Invariant: what is declined has changed nothing; the interpreter then performs the instruction.

use crate::metatable::{Event, metamethod};
use crate::table::{Node, Table};
use crate::value::{STRING, Value};
use crate::vm::Vm;

/// `t[key]`; `None` when that is nil and there is a metamethod to ask.
///
/// # Safety
/// `vm`, `t` and `key` are live.
pub unsafe fn find(vm: *mut Vm, t: *mut Table, key: Value) -> Option<Value> {
    // SAFETY: the caller's contract.
    unsafe {
        let vm = &*vm;
        let v = Table::get(&vm.heap, t, key);
        let is_done = !v.is_nil() || asks_nobody(vm, t, Event::Index);
        is_done.then_some(v)
    }
}

/// The node of the hash part that has the key; null when there is none, as for what is in other parts.
///
/// # Safety
/// As [`find`].
pub unsafe fn find_node(vm: *mut Vm, t: *mut Table, key: Value) -> *mut Node {
    // SAFETY: the caller's contract.
    unsafe { Table::find_node(&(*vm).heap, t, key) }
}

/// Whether `t` has no value for `key`, metamethods aside.
///
/// # Safety
/// As [`find`].
pub unsafe fn is_absent(vm: *mut Vm, t: *mut Table, key: Value) -> bool {
    // SAFETY: the caller's contract.
    unsafe { Table::get(&(*vm).heap, t, key).is_nil() }
}

/// `t[key] := value`; false when declined: where there is a metamethod to ask, where the key can't be
/// one, when a new key is stored while a step of the collector is due or memory is short, and for
/// strings that would give the table another shape or are in its record part.
///
/// # Safety
/// All are live.
pub unsafe fn store(vm: *mut Vm, t: *mut Table, key: Value, value: Value) -> bool {
    // SAFETY: the caller's contract.
    unsafe {
        let vm = &mut *vm;
        if key.tag == STRING && !vm.heap.shapes.get((*t).header.extra).is_dictionary() {
            return false;
        }
        let is_new = Table::get(&vm.heap, t, key).is_nil();
        if is_new && (vm.heap.needs_step() || !asks_nobody(vm, t, Event::NewIndex)) {
            return false;
        }
        Table::set(&mut vm.heap, t, key, value).is_ok()
    }
}

/// Whether a table has no such metamethod.
unsafe fn asks_nobody(vm: &Vm, t: *mut Table, event: Event) -> bool {
    // SAFETY: the caller passes a live table.
    unsafe {
        Table::metatable(&vm.heap, t).is_null() || metamethod(vm, Value::table(t), event).is_nil()
    }
}
