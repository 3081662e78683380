//! Construction as traces do it: without a safepoint.
//!
//! Each function does its work at once or declines, by answering null or false: when a step of the
//! collector is due, or memory is short. One that has declined has changed nothing, so the trace is
//! left, and the interpreter performs the whole instruction, with all that may come of it.
//!
//! Invariant: none of these collects, raises or runs Lua code, so objects that only a trace's
//! registers name are safe until its next residual step.

use crate::call::Next;
use crate::error::LuaError;
use crate::frame::{CallSite, Continuation};
use crate::function::{Cell, LuaClosure, Proto};
use crate::gc::Heap;
use crate::metatable::Event;
use crate::string::LuaString;
use crate::table::Table;
use crate::table::shape::NO_SLOT;
use crate::value::{INTEGER, NIL, STRING, Value};
use crate::vm::Vm;
use perilune_frontend::number::{IntegerText, Number, push_number};
use std::ptr;

/// A new table with room for `array` elements and `fields` fields; null when declined.
///
/// # Safety
/// `vm` is live.
pub unsafe fn table(vm: *mut Vm, array: usize, fields: usize) -> *mut Table {
    // SAFETY: the caller's contract; a table that stays empty is the collector's to free.
    unsafe {
        let heap = &mut (*vm).heap;
        if heap.needs_step() {
            return ptr::null_mut();
        }
        let Ok(table) = heap.new_table() else {
            return ptr::null_mut();
        };
        if array | fields != 0 && Table::reserve(heap, table, array, fields).is_err() {
            return ptr::null_mut();
        }
        table
    }
}

/// A new cell that holds `value`; null when declined.
///
/// # Safety
/// `vm` and `value` are live.
pub unsafe fn cell(vm: *mut Vm, value: Value) -> *mut Cell {
    // SAFETY: the caller's contract.
    unsafe {
        let heap = &mut (*vm).heap;
        if heap.needs_step() {
            return ptr::null_mut();
        }
        heap.new_cell(value).unwrap_or(ptr::null_mut())
    }
}

/// A new closure of `proto`, whose upvalues the caller sets at once; null when declined.
///
/// # Safety
/// `vm` and `proto` are live.
pub unsafe fn closure(vm: *mut Vm, proto: *mut Proto) -> *mut LuaClosure {
    // SAFETY: the caller's contract.
    unsafe {
        let heap = &mut (*vm).heap;
        if heap.needs_step() {
            return ptr::null_mut();
        }
        let upvalues = (*proto).debug.upvalues.len();
        heap.new_lua_closure(proto, upvalues)
            .unwrap_or(ptr::null_mut())
    }
}

/// A new table of the shape `shape`, whose `count` record slots are nil, with `items` list items to
/// which the caller gives values at once; null when declined.
///
/// # Safety
/// `vm` is live; the shape has so many slots and is no dictionary.
pub unsafe fn record(vm: *mut Vm, shape: u32, count: usize, items: usize) -> *mut Table {
    // SAFETY: the caller's contract.
    unsafe {
        let heap = &mut (*vm).heap;
        if heap.needs_step() {
            return ptr::null_mut();
        }
        make_record(heap, shape, count, items).unwrap_or(ptr::null_mut())
    }
}

/// As [`record`], but only a lack of memory is a reason to fail.
///
/// # Errors
/// [`LuaError::Memory`].
///
/// # Safety
/// As [`record`].
pub unsafe fn make_record(
    heap: &mut Heap,
    shape: u32,
    count: usize,
    items: usize,
) -> Result<*mut Table, LuaError> {
    // SAFETY: the caller's contract; a table that stays empty is the collector's to free.
    unsafe {
        let table = heap.new_table()?;
        Table::reserve(heap, table, items, count).map_err(|_| LuaError::Memory)?;
        for slot in 0..count as u32 {
            Table::append_slot(table, shape, slot, Value::NIL);
        }
        (*table).header.extra = shape;
        (*table).border = items as u32;
        Ok(table)
    }
}

/// Raises the memory error at the saved state; the exit code, 0 when it was caught.
///
/// # Safety
/// The saved state of `vm` is that of a Lua function between two instructions.
pub unsafe fn raise_out_of_memory(vm: *mut Vm) -> u64 {
    // SAFETY: the caller's contract.
    unsafe { crate::call::drive(vm, Next::Raise(LuaError::Memory)) }
}

/// Gives `t`, which has just been made, a value in its record slot `slot`.
///
/// # Safety
/// As [`make_record`], of whose result this is a slot; `value` is live.
pub unsafe fn fill_slot(t: *mut Table, slot: usize, value: Value) {
    // SAFETY: the caller's contract.
    unsafe { Table::set_slot(t, slot as u32, value) }
}

/// Gives `t`, which has just been made, the list item `index`, counted from 0.
///
/// # Safety
/// As [`make_record`], of whose result this is an item; `value` is live and not nil.
pub unsafe fn fill_item(t: *mut Table, index: usize, value: Value) {
    // SAFETY: the caller's contract: the array part has room for all items.
    unsafe {
        *(*t).tags.add(index) = value.tag;
        *(*t).array.add(index) = value.payload;
    }
}

/// The shape of a table like `t` with one more field, and the slot of that; `None` where adding
/// the field is more than taking a slot.
///
/// # Safety
/// `vm`, `t` and `key` are live, `key` is interned, and `t` does not have it.
pub unsafe fn shape_with(vm: *mut Vm, t: *const Table, key: *mut LuaString) -> Option<(u32, u32)> {
    // SAFETY: the caller's contract.
    unsafe {
        let heap = &mut (*vm).heap;
        let old = (*t).header.extra;
        if heap.shapes.get(old).is_dictionary() {
            return None;
        }
        let shape = heap.shapes.add_key(old, key, true).ok()?;
        heap.charge_shapes().ok()?;
        let new = heap.shapes.get(shape);
        let slot = u32::from(new.slot_count).checked_sub(1)?;
        (!new.is_dictionary() && slot < NO_SLOT.into()).then_some((shape, slot))
    }
}

/// Gives `t` the shape `shape`, which has one field more than its own: that field is nil until the
/// caller stores a value, which it does at once and without a write barrier of its own: the table
/// is not black after this. False when declined.
///
/// # Safety
/// `vm` and `t` are live, `shape` comes from [`shape_with`] for a table of the shape of `t`.
pub unsafe fn add_slot(vm: *mut Vm, t: *mut Table, shape: u32) -> bool {
    // SAFETY: the caller's contract.
    unsafe {
        let heap = &mut (*vm).heap;
        let slot = heap.shapes.get(shape).slot_count as u32 - 1;
        if slot >= (*t).slot_capacity {
            let count = heap.shapes.slots_to_reserve(shape);
            if heap.needs_step() || Table::reserve_slots(heap, t, count).is_err() {
                return false;
            }
        }
        let has_slot = Table::append_slot(t, shape, slot, Value::NIL);
        if has_slot {
            // A marked table's old shape has been marked for it; the new one need not be.
            Table::barrier_any(heap, t);
        }
        has_slot
    }
}

/// Makes room in the array part for the list items from element `first + 1` on: they count as
/// elements from now on, and the caller stores values that are not nil into them at once. False when
/// declined: the table has other elements there, or must grow and can't.
///
/// # Safety
/// `vm` and `t` are live.
pub unsafe fn extend_list(vm: *mut Vm, t: *mut Table, first: usize, count: usize) -> bool {
    // SAFETY: the caller's contract; tags are read below the capacity.
    unsafe {
        let (capacity, last) = ((*t).capacity as usize, first + count);
        if (*t).border as usize != first
            || !(*t).hash.is_null()
            || (first..capacity.min(last + 1)).any(|n| *(*t).tags.add(n) != NIL)
        {
            return false;
        }
        if last > capacity {
            let heap = &mut (*vm).heap;
            if heap.needs_step() || Table::reserve_array(heap, t, last).is_err() {
                return false;
            }
        }
        (*t).border = last as u32;
        true
    }
}

/// `t[#t + 1] = value`, raw, growing the table if need be; false when declined.
///
/// # Safety
/// `vm`, `t` and `value` are live, and the value is not nil. The
/// caller sees to the write barrier.
pub unsafe fn append(vm: *mut Vm, t: *mut Table, value: Value) -> bool {
    // SAFETY: the caller's contract.
    unsafe {
        if Table::array_append(t, value) {
            return true;
        }
        let heap = &mut (*vm).heap;
        if heap.needs_step() {
            return false;
        }
        let next = Table::border(t) + 1;
        Table::get_int(t, next).is_nil() && Table::set_int(heap, t, next, value).is_ok()
    }
}

/// `setmetatable(t, metatable)` for a table without one; false when declined.
///
/// # Safety
/// `vm`, `t` and `metatable` are live.
pub unsafe fn set_metatable(vm: *mut Vm, t: *mut Table, metatable: *mut Table) -> bool {
    // SAFETY: the caller's contract.
    unsafe {
        let heap = &mut (*vm).heap;
        let finalizer = Table::get_str(heap, metatable, heap.names[Event::Gc as usize]);
        finalizer.is_nil() && Table::set_metatable(heap, t, metatable).is_ok()
    }
}

/// The shape that `t` has got by `setmetatable`, if whatever had the same shape before, and gets that
/// metatable, gets the same.
///
/// # Safety
/// `vm` and `t` are live; the metatable of `t` was set before anything else happened, and `before` was
/// its shape then.
pub unsafe fn shape_with_metatable(vm: *mut Vm, t: *const Table, before: u32) -> Option<u32> {
    // SAFETY: the caller's contract.
    unsafe {
        let shapes = &(*vm).heap.shapes;
        let (old, new) = (shapes.get(before), shapes.get((*t).header.extra));
        let is_named = !new.metatable.is_null() && new.metatable_slot == NO_SLOT;
        let has_same_slots = old.slot_count == new.slot_count;
        let is_plain = !old.is_dictionary() && !new.is_dictionary();
        (is_named && has_same_slots && is_plain).then_some((*t).header.extra)
    }
}

/// Gives `t` the shape `shape`, which differs from its own in the metatable.
///
/// # Safety
/// `vm` and `t` are live; `shape` comes from [`shape_with_metatable`] for a table of the shape of `t`.
pub unsafe fn give_shape(vm: *mut Vm, t: *mut Table, shape: u32) {
    // SAFETY: the caller's contract. A marked table's old shape has been marked for it.
    unsafe {
        (*t).header.extra = shape;
        Table::barrier_any(&mut (*vm).heap, t);
    }
}

/// The string of the bytes of `s` from `from` up to `to` (counted from 0); null when declined.
///
/// # Safety
/// `vm` and `s` are live; `from <= to <= length`.
pub unsafe fn substring(
    vm: *mut Vm,
    s: *const LuaString,
    from: usize,
    to: usize,
) -> *mut LuaString {
    // SAFETY: the caller's contract.
    unsafe {
        let heap = &mut (*vm).heap;
        if heap.needs_step() {
            return ptr::null_mut();
        }
        let bytes = &LuaString::as_bytes(s)[from..to];
        heap.new_string(bytes).unwrap_or(ptr::null_mut())
    }
}

/// The concatenation of strings and numbers (manual §3.4.6), at most three; null when declined.
///
/// # Safety
/// `vm` and the strings are live; nothing but strings and numbers is among the parts.
pub unsafe fn concat(vm: *mut Vm, parts: &[Value]) -> *mut LuaString {
    const MOST: usize = 3;
    // SAFETY: the caller's contract; nothing is freed before the parts are copied.
    unsafe {
        let heap = &mut (*vm).heap;
        if heap.needs_step() || parts.len() > MOST {
            return ptr::null_mut();
        }
        let mut numbers = [const { NumberText::None }; MOST];
        let mut bytes: [&[u8]; MOST] = [&[]; MOST];
        for ((bytes, number), &part) in bytes.iter_mut().zip(&mut numbers).zip(parts) {
            *bytes = if part.tag == STRING {
                LuaString::as_bytes(part.as_pointer())
            } else {
                number.set(part)
            };
        }
        heap.string_from_parts(&bytes[..parts.len()])
            .unwrap_or(ptr::null_mut())
    }
}

/// The text of a number while it is copied: only a float's is allocated.
pub(crate) enum NumberText {
    None,
    Integer(IntegerText),
    Float(Vec<u8>),
}

impl NumberText {
    /// Makes this the text of `number` (manual §3.4.3), and returns it.
    pub(crate) fn set(&mut self, number: Value) -> &[u8] {
        *self = if number.tag == INTEGER {
            NumberText::Integer(IntegerText::new(number.as_integer()))
        } else {
            let mut text = Vec::new();
            push_number(&mut text, Number::Float(number.as_float()));
            NumberText::Float(text)
        };
        self.as_bytes()
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        match self {
            NumberText::None => &[],
            NumberText::Integer(text) => text.as_bytes(),
            NumberText::Float(text) => text,
        }
    }
}

/// What an instruction calls a metamethod for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// The first result goes to the register at this byte offset.
    Store(usize),
    /// Likewise, where two operands of a concatenation begin, which are all that is left of them.
    Concat(usize),
    /// Results are dropped.
    Discard,
    /// The instruction's jump is taken if the first result is as true as this.
    Branch(bool),
}

/// The call site of a metamethod that the current instruction calls.
///
/// # Safety
/// The saved state of `vm` is that of a Lua function executing an instruction.
pub unsafe fn metamethod_site(vm: *mut Vm, purpose: Purpose) -> *const CallSite {
    // SAFETY: the caller's contract.
    unsafe { crate::interp::metamethod_site(vm, purpose) }
}

/// The call site of the function that a native function calls from its slot `function`, and after
/// which it goes on in `state` with all results.
///
/// # Safety
/// `base` is the native function's base in the running thread's stack.
pub unsafe fn native_call_site(
    vm: *mut Vm,
    base: *mut Value,
    function: usize,
    state: u32,
) -> *const CallSite {
    // SAFETY: the caller's contract.
    unsafe {
        let saved = std::mem::replace(&mut (*vm).base, base);
        let function = base.add(function - 1);
        let site = crate::native::native_site(vm, function, -1, Continuation::Native, state);
        (*vm).base = saved;
        site
    }
}

/// Whether no variable of the running thread is to be closed.
///
/// # Safety
/// `vm` is live.
pub unsafe fn nothing_to_close(vm: *const Vm) -> bool {
    // SAFETY: the caller's contract.
    unsafe { (*(*vm).thread).to_be_closed.is_empty() }
}

/// The step of a traversal after `key` (manual §6.1, `next`): puts the key and the value that it
/// comes to into [`Vm::found`] and answers true; nil and false at the end. `None` for a key that is
/// not in the table.
///
/// # Safety
/// `vm`, `t` and `key` are live.
pub unsafe fn next(vm: *mut Vm, t: *const Table, key: Value) -> Option<bool> {
    // SAFETY: the caller's contract.
    unsafe {
        let found = Table::next(&(*vm).heap, t, key).ok()?;
        let (key, value) = found.unwrap_or((Value::NIL, Value::NIL));
        (*vm).found = [key, value];
        Some(!key.is_nil())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gc::BLACK;

    #[test]
    fn a_marked_table_with_another_shape_is_marked_again() {
        let mut vm = Vm::new().expect("a machine");
        // SAFETY: the machine is live, nothing collects, and the key is interned.
        unsafe {
            let heap = &mut vm.heap;
            let key = heap.new_string(b"field").expect("a string");
            let t = heap.new_table().expect("a table");
            let vm: *mut Vm = vm.as_mut();
            let (shape, _) = shape_with(vm, t, key).expect("a shape");
            (*t).header.set_colour(BLACK);
            assert!(add_slot(vm, t, shape));
            assert!(!(*t).header.is_black());
        }
    }
}
