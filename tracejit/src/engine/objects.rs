//! Virtual objects become real when the trace is left.
//!
//! Invariant: nothing collects here, so objects that only this function knows are safe until the
//! slots hold them. They have just been made, so no write barrier is due.

use crate::ir::{Constant, Finished, Ref, Snapshot, VirtualKind};
use perilune_runtime::construct;
use perilune_runtime::function::{Cell, LuaClosure, Proto};
use perilune_runtime::gc::Heap;
use perilune_runtime::table::Table;
use perilune_runtime::value::{self, Value};

/// Makes the objects of a snapshot and puts them into its slots. `fields` holds the values of all
/// fields, object by object; those that are objects themselves are filled in here. False when there
/// is no memory: the slots hold nil then, and what was made is garbage.
///
/// # Safety
/// The snapshot is one of the trace, whose shapes and protos are live; its slots lie within the stack
/// around `anchor`.
pub(super) unsafe fn make(
    heap: &mut Heap,
    trace: &Finished,
    exit: Snapshot,
    mut fields: Vec<Value>,
    anchor: *mut Value,
) -> bool {
    let objects = exit.objects;
    let mut made: Vec<u64> = Vec::with_capacity(objects.len());
    for object in objects {
        // SAFETY: the caller's contract.
        made.extend(unsafe { make_one(heap, trace, object.kind, object.fields.len()) });
    }
    let is_complete = made.len() == objects.len();
    let address = |r: Ref| {
        let n = objects.iter().position(|o| o.name == r)?;
        made.get(n).copied()
    };
    let refs = objects.iter().flat_map(|o| &o.fields);
    for (value, &(_, payload)) in fields.iter_mut().zip(refs) {
        if payload.as_virtual().is_some() {
            value.payload = address(payload).unwrap_or(0);
        }
    }
    let mut rest = &fields[..];
    if is_complete {
        for (object, &place) in objects.iter().zip(&made) {
            let (own, others) = rest.split_at(object.fields.len());
            rest = others;
            // SAFETY: the object was just made with so many fields, and none of the values is one
            // that was not made.
            unsafe { fill(object.kind, place, own) }
        }
    }
    for slot in exit.slots {
        if slot.payload.as_virtual().is_some() {
            // SAFETY: the caller's contract.
            unsafe {
                let place = anchor.offset(slot.slot as isize);
                (*place).payload = address(slot.payload).unwrap_or(0);
                if !is_complete {
                    (*place).tag = value::NIL;
                }
            }
        }
    }
    is_complete
}

/// The address of a new object; `None` when there is no memory.
unsafe fn make_one(
    heap: &mut Heap,
    trace: &Finished,
    kind: VirtualKind,
    fields: usize,
) -> Option<u64> {
    // SAFETY: the caller's contract.
    unsafe {
        match kind {
            VirtualKind::Table { shape, items } => {
                let items = items as usize;
                let table = construct::make_record(heap, shape, fields - items, items).ok()?;
                Some(table as u64)
            }
            VirtualKind::Cell => Some(heap.new_cell(Value::NIL).ok()? as u64),
            VirtualKind::Closure(proto) => {
                let proto = trace.constant_of(proto).map(Constant::bits)? as *mut Proto;
                let upvalues = (*proto).debug.upvalues.len();
                Some(heap.new_lua_closure(proto, upvalues).ok()? as u64)
            }
        }
    }
}

/// Gives a new object its fields.
unsafe fn fill(kind: VirtualKind, place: u64, fields: &[Value]) {
    let slots = match kind {
        VirtualKind::Table { items, .. } => fields.len() - items as usize,
        _ => fields.len(),
    };
    for (n, &value) in fields.iter().enumerate() {
        // SAFETY: the caller's contract.
        unsafe {
            match kind {
                VirtualKind::Table { .. } if n < slots => {
                    construct::fill_slot(place as *mut Table, n, value);
                }
                VirtualKind::Table { .. } => {
                    construct::fill_item(place as *mut Table, n - slots, value);
                }
                VirtualKind::Cell => (*(place as *mut Cell)).value = value,
                VirtualKind::Closure(_) => {
                    LuaClosure::set_upvalue(place as *mut LuaClosure, n, value.as_pointer());
                }
            }
        }
    }
}
