//! The machine that executes: what the interpreter's handlers are made of.
//!
//! A `Direct` is built from a handler's four arguments and dissolves into registers; nothing here
//! may be called out of line with `&mut Direct`.
//!
//! Invariants (the contract of [`Direct::new`]): `vm` is live and runs the function at `base - 1`;
//! `pc` points behind the first word of the current instruction of that function's verified code;
//! `constants` are that function's. Operands of verified code are in range, so every register and
//! constant access is within bounds.

use super::{Constant, Insn, Machine, Register};
use crate::frame::{CallSite, Frame};
use crate::function::{Cell, LuaClosure};
use crate::gc::BLACK;
use crate::hot;
use crate::ops::cache;
use crate::string::{INTERNED, LuaString};
use crate::table::Table;
use crate::value::{self, Value};
use crate::vm::Vm;
use perilune_frontend::number;
use std::sync::atomic::Ordering;

/// The executing machine.
#[derive(Debug)]
pub struct Direct {
    /// The machine's state.
    pub vm: *mut Vm,
    /// The next word.
    pub pc: *const u64,
    /// The first register.
    pub base: *mut Value,
    /// The function's constants.
    pub constants: *const Value,
}

/// A value by its address: tag and payload are loaded when they are asked for, so that a float's
/// payload goes straight to a float register.
#[derive(Clone, Copy, Debug)]
pub struct Lazy(*const Value);

impl Lazy {
    #[inline(always)]
    fn tag(self) -> u8 {
        // SAFETY: made by `Direct` from a live slot; handlers read before they write.
        unsafe { (*self.0).tag }
    }
    #[inline(always)]
    fn payload(self) -> u64 {
        // SAFETY: as above.
        unsafe { (*self.0).payload }
    }
}

/// A value in flight: lazily loaded from a slot, or computed.
#[derive(Clone, Copy, Debug)]
pub enum DirectValue {
    /// In a slot.
    Slot(Lazy),
    /// Computed.
    Known(Value),
}

impl DirectValue {
    /// Its tag.
    #[inline(always)]
    pub fn tag(self) -> u8 {
        match self {
            DirectValue::Slot(s) => s.tag(),
            DirectValue::Known(v) => v.tag,
        }
    }
    /// Its payload.
    #[inline(always)]
    pub fn payload(self) -> u64 {
        match self {
            DirectValue::Slot(s) => s.payload(),
            DirectValue::Known(v) => v.payload,
        }
    }
    /// The whole value.
    #[inline(always)]
    pub fn value(self) -> Value {
        Value {
            payload: self.payload(),
            tag: self.tag(),
        }
    }
    #[inline(always)]
    fn float(self) -> f64 {
        match self {
            // SAFETY: as in `Lazy`; the payload of a float has a float's layout.
            DirectValue::Slot(s) => unsafe { *(s.0 as *const f64) },
            DirectValue::Known(v) => v.as_float(),
        }
    }
}

impl Direct {
    /// A machine at the given state.
    ///
    /// # Safety
    /// The module's invariants hold and go on holding while the machine is used.
    #[inline(always)]
    pub unsafe fn new(
        vm: *mut Vm,
        pc: *const u64,
        base: *mut Value,
        constants: *const Value,
    ) -> Direct {
        Direct {
            vm,
            pc,
            base,
            constants,
        }
    }
    #[inline(always)]
    pub(super) fn slot(&self, r: Register) -> *mut Value {
        // SAFETY: register operands are in range (module invariant).
        unsafe { (self.base as *mut u8).add(r.0) as *mut Value }
    }
    #[inline(always)]
    fn store(&self, r: Register, v: Value) {
        let slot = self.slot(r);
        // SAFETY: as `slot`; field by field, see `value.rs`.
        unsafe {
            (*slot).payload = v.payload;
            (*slot).tag = v.tag;
        }
    }
    /// The current instruction.
    #[inline(always)]
    pub fn insn(&self) -> Insn {
        // SAFETY: pc is one past the instruction's first word (module invariant).
        unsafe { Insn::at(self.pc.sub(1)) }
    }
    #[inline(always)]
    fn closure(&self) -> *mut LuaClosure {
        // SAFETY: the running function stands at base - 1 and is a Lua closure.
        unsafe { (*self.base.sub(1)).as_pointer() }
    }
    #[inline(always)]
    fn upvalue_cell(&self, n: usize) -> *mut Cell {
        // SAFETY: upvalue operands are in range (module invariant).
        unsafe { LuaClosure::upvalue(self.closure(), n) }
    }
    #[inline(always)]
    fn store_cell(&self, cell: *mut Cell, v: Value) -> bool {
        // SAFETY: the cell is live: an upvalue or a register holds it.
        unsafe {
            if v.is_object() && (*cell).header.mark & BLACK != 0 {
                return false;
            }
            (*cell).value.payload = v.payload;
            (*cell).value.tag = v.tag;
            true
        }
    }
}

#[allow(
    clippy::not_unsafe_ptr_arg_deref,
    reason = "a machine is only ever given pointers that it handed out itself"
)]
impl Machine for Direct {
    type Value = DirectValue;
    type Integer = i64;
    type Float = f64;
    type Table = *mut Table;
    type Closure = *mut LuaClosure;

    #[inline(always)]
    fn get(&mut self, r: Register) -> DirectValue {
        DirectValue::Slot(Lazy(self.slot(r)))
    }
    #[inline(always)]
    fn set(&mut self, r: Register, v: DirectValue) {
        self.store(r, v.value());
    }
    #[inline(always)]
    fn set_integer(&mut self, r: Register, v: i64) {
        self.store(r, Value::integer(v));
    }
    #[inline(always)]
    fn set_float(&mut self, r: Register, v: f64) {
        let slot = self.slot(r);
        // SAFETY: as `slot`; a float's payload is its bits.
        unsafe {
            *(slot as *mut f64) = v;
            (*slot).tag = value::FLOAT;
        }
    }
    #[inline(always)]
    fn set_boolean(&mut self, r: Register, v: bool) {
        self.store(r, Value::boolean(v));
    }
    #[inline(always)]
    fn set_nil(&mut self, r: Register) {
        self.store(r, Value::NIL);
    }
    #[inline(always)]
    fn constant(&mut self, k: Constant) -> DirectValue {
        // SAFETY: constant operands are in range (module invariant).
        DirectValue::Slot(Lazy(unsafe {
            (self.constants as *const u8).add(k.0) as *const Value
        }))
    }
    #[inline(always)]
    fn is_integer(&mut self, v: DirectValue) -> bool {
        v.tag() == value::INTEGER
    }
    #[inline(always)]
    fn is_float(&mut self, v: DirectValue) -> bool {
        v.tag() == value::FLOAT
    }
    #[inline(always)]
    fn is_nil(&mut self, v: DirectValue) -> bool {
        v.tag() == value::NIL
    }
    #[inline(always)]
    fn is_table(&mut self, v: DirectValue) -> bool {
        v.tag() == value::TABLE
    }
    #[inline(always)]
    fn is_string(&mut self, v: DirectValue) -> bool {
        v.tag() == value::STRING
    }
    #[inline(always)]
    fn is_lua_closure(&mut self, v: DirectValue) -> bool {
        v.tag() == value::LUA_CLOSURE
    }
    #[inline(always)]
    fn is_object(&mut self, v: DirectValue) -> bool {
        v.tag() >= value::STRING
    }
    #[inline(always)]
    fn is_truthy(&mut self, v: DirectValue) -> bool {
        v.tag().wrapping_sub(value::FALSE) > 1
    }
    #[inline(always)]
    fn both_integers(&mut self, a: DirectValue, b: DirectValue) -> bool {
        a.tag() | b.tag() == value::INTEGER
    }
    #[inline(always)]
    fn both_floats(&mut self, a: DirectValue, b: DirectValue) -> bool {
        a.tag() == value::FLOAT && b.tag() == value::FLOAT
    }
    #[inline(always)]
    fn is_identical(&mut self, a: DirectValue, b: DirectValue) -> bool {
        a.payload() == b.payload() && a.tag() == b.tag()
    }
    #[inline(always)]
    fn both_interned(&mut self, a: DirectValue, b: DirectValue) -> bool {
        let (a, b) = (
            a.payload() as *const LuaString,
            b.payload() as *const LuaString,
        );
        // SAFETY: both values are strings, live in registers or constants.
        unsafe { (*a).header.flags & (*b).header.flags & INTERNED != 0 }
    }
    #[inline(always)]
    fn same_tag(&mut self, a: DirectValue, b: DirectValue) -> bool {
        a.tag() == b.tag()
    }
    #[inline(always)]
    fn as_integer(&mut self, v: DirectValue) -> i64 {
        v.payload() as i64
    }
    #[inline(always)]
    fn as_float(&mut self, v: DirectValue) -> f64 {
        v.float()
    }
    #[inline(always)]
    fn as_table(&mut self, v: DirectValue) -> *mut Table {
        v.payload() as *mut Table
    }
    #[inline(always)]
    fn as_closure(&mut self, v: DirectValue) -> *mut LuaClosure {
        v.payload() as *mut LuaClosure
    }
    #[inline(always)]
    fn static_integer(&mut self, v: i64) -> i64 {
        v
    }
    #[inline(always)]
    fn static_float(&mut self, v: f64) -> f64 {
        v
    }
    #[inline(always)]
    fn integer_to_float(&mut self, v: i64) -> f64 {
        v as f64
    }
    #[inline(always)]
    fn float_to_integer(&mut self, v: f64) -> Option<i64> {
        crate::table::float_to_integer_key(v)
    }
    #[inline(always)]
    fn integer_add(&mut self, a: i64, b: i64) -> i64 {
        a.wrapping_add(b)
    }
    #[inline(always)]
    fn integer_sub(&mut self, a: i64, b: i64) -> i64 {
        a.wrapping_sub(b)
    }
    #[inline(always)]
    fn integer_mul(&mut self, a: i64, b: i64) -> i64 {
        a.wrapping_mul(b)
    }
    #[inline(always)]
    fn integer_mod(&mut self, a: i64, b: i64) -> Option<i64> {
        if (b as u64).wrapping_add(1) <= 1 {
            // 0 has no result; -1 would overflow for the least integer.
            return if b == 0 { None } else { Some(0) };
        }
        let m = a % b;
        Some(if m != 0 && (m ^ b) < 0 { m + b } else { m })
    }
    #[inline(always)]
    fn integer_floor_div(&mut self, a: i64, b: i64) -> Option<i64> {
        if (b as u64).wrapping_add(1) <= 1 {
            return if b == 0 {
                None
            } else {
                Some(0i64.wrapping_sub(a))
            };
        }
        let q = a / b;
        Some(if (a ^ b) < 0 && q * b != a { q - 1 } else { q })
    }
    #[inline(always)]
    fn integer_and(&mut self, a: i64, b: i64) -> i64 {
        a & b
    }
    #[inline(always)]
    fn integer_or(&mut self, a: i64, b: i64) -> i64 {
        a | b
    }
    #[inline(always)]
    fn integer_xor(&mut self, a: i64, b: i64) -> i64 {
        a ^ b
    }
    #[inline(always)]
    fn integer_shl(&mut self, a: i64, b: i64) -> i64 {
        number::shift_left(a, b)
    }
    #[inline(always)]
    fn integer_shr(&mut self, a: i64, b: i64) -> i64 {
        number::shift_right(a, b)
    }
    #[inline(always)]
    fn integer_lt(&mut self, a: i64, b: i64) -> bool {
        a < b
    }
    #[inline(always)]
    fn integer_le(&mut self, a: i64, b: i64) -> bool {
        a <= b
    }
    #[inline(always)]
    fn integer_eq(&mut self, a: i64, b: i64) -> bool {
        a == b
    }
    #[inline(always)]
    fn float_add(&mut self, a: f64, b: f64) -> f64 {
        a + b
    }
    #[inline(always)]
    fn float_sub(&mut self, a: f64, b: f64) -> f64 {
        a - b
    }
    #[inline(always)]
    fn float_mul(&mut self, a: f64, b: f64) -> f64 {
        a * b
    }
    #[inline(always)]
    fn float_div(&mut self, a: f64, b: f64) -> f64 {
        a / b
    }
    #[inline(always)]
    fn float_mod(&mut self, a: f64, b: f64) -> f64 {
        number::float_mod(a, b)
    }
    #[inline(always)]
    fn float_floor_div(&mut self, a: f64, b: f64) -> f64 {
        number::float_floor_div(a, b)
    }
    #[inline(always)]
    fn float_pow(&mut self, a: f64, b: f64) -> f64 {
        number::float_pow(a, b)
    }
    #[inline(always)]
    fn float_neg(&mut self, a: f64) -> f64 {
        -a
    }
    #[inline(always)]
    fn float_lt(&mut self, a: f64, b: f64) -> bool {
        a < b
    }
    #[inline(always)]
    fn float_le(&mut self, a: f64, b: f64) -> bool {
        a <= b
    }
    #[inline(always)]
    fn float_eq(&mut self, a: f64, b: f64) -> bool {
        a == b
    }
    #[inline(always)]
    fn for_count(&mut self, start: i64, limit: i64, step: i64) -> Option<i64> {
        if step == 1 {
            return (start <= limit).then(|| limit.wrapping_sub(start));
        }
        if step > 0 {
            let distance = (limit as u64).wrapping_sub(start as u64);
            (start <= limit).then(|| (distance / step as u64) as i64)
        } else {
            let distance = (start as u64).wrapping_sub(limit as u64);
            (start >= limit).then(|| (distance / (step as u64).wrapping_neg()) as i64)
        }
    }
    #[inline(always)]
    fn upvalue(&mut self, n: usize) -> DirectValue {
        // SAFETY: upvalue cells of a running closure are live.
        DirectValue::Slot(Lazy(unsafe { &raw const (*self.upvalue_cell(n)).value }))
    }
    #[inline(always)]
    fn set_upvalue(&mut self, n: usize, v: DirectValue) -> bool {
        self.store_cell(self.upvalue_cell(n), v.value())
    }
    #[inline(always)]
    fn cell_value(&mut self, v: DirectValue) -> DirectValue {
        // SAFETY: verified code reads cells only from registers that hold cells.
        DirectValue::Slot(Lazy(unsafe {
            &raw const (*(v.payload() as *const Cell)).value
        }))
    }
    #[inline(always)]
    fn set_cell_value(&mut self, c: DirectValue, v: DirectValue) -> bool {
        self.store_cell(c.payload() as *mut Cell, v.value())
    }
    #[inline(always)]
    fn field(&mut self, t: *mut Table) -> Option<DirectValue> {
        // SAFETY: the word after the instruction is its inline cache; `t` is a live table.
        unsafe {
            let word = *self.pc;
            if word as u32 == (*t).header.extra {
                let slot = (*t).slots.add((word >> 32) as u16 as usize);
                if (*slot).tag == value::NIL {
                    return None;
                }
                return Some(DirectValue::Slot(Lazy(slot)));
            }
            cache::inherited(self.closure(), t, word).map(|slot| DirectValue::Slot(Lazy(slot)))
        }
    }
    #[inline(always)]
    fn string_method(&mut self) -> Option<DirectValue> {
        // SAFETY: the word after the instruction is its inline cache; the machine is live.
        unsafe {
            let (methods, word) = (cache::string_methods(self.vm), *self.pc);
            if methods.is_null() || (*methods).header.extra != word as u32 {
                return None;
            }
            let slot = (*methods).slots.add((word >> 32) as u16 as usize);
            ((*slot).tag != value::NIL).then_some(DirectValue::Slot(Lazy(slot)))
        }
    }
    #[inline(always)]
    fn set_field(&mut self, t: *mut Table, v: DirectValue) -> bool {
        // SAFETY: as `field`.
        unsafe {
            let word = *self.pc;
            if word as u32 != (*t).header.extra {
                return cache::add_field(self.closure(), t, word, v.value());
            }
            let slot = (*t).slots.add((word >> 32) as u16 as usize);
            let v = v.value();
            if (*slot).tag == value::NIL || (v.is_object() && (*t).header.mark & BLACK != 0) {
                return false;
            }
            (*slot).payload = v.payload;
            (*slot).tag = v.tag;
            true
        }
    }
    #[inline(always)]
    fn element(&mut self, t: *mut Table, i: i64) -> Option<DirectValue> {
        // SAFETY: `t` is a live table; the index is checked against its capacity.
        unsafe {
            let index = (i as u64).wrapping_sub(1);
            if index >= (*t).capacity as u64 {
                return None;
            }
            let tag = *(*t).tags.add(index as usize);
            if tag == value::NIL {
                return None;
            }
            Some(DirectValue::Known(Value {
                payload: *(*t).array.add(index as usize),
                tag,
            }))
        }
    }
    #[inline(always)]
    fn set_element(&mut self, t: *mut Table, i: i64, v: DirectValue) -> bool {
        // SAFETY: as `element`.
        unsafe {
            let index = (i as u64).wrapping_sub(1);
            if index >= (*t).border as u64 {
                let value = v.value();
                return index == (*t).border as u64
                    && value.tag != value::NIL
                    && (value.tag < value::STRING || (*t).header.mark & BLACK == 0)
                    && !cache::may_have_metatable(self.vm, t)
                    && Table::array_append(t, value);
            }
            let tag = v.tag();
            let place = (*t).tags.add(index as usize);
            // A hole may want __newindex; nil at the border moves it; an object wants the barrier.
            if *place == value::NIL
                || tag == value::NIL
                || (tag >= value::STRING && (*t).header.mark & BLACK != 0)
            {
                return false;
            }
            *place = tag;
            *(*t).array.add(index as usize) = v.payload();
            true
        }
    }
    #[inline(always)]
    fn find_key(&mut self, _t: *mut Table, _key: DirectValue) -> Option<DirectValue> {
        None
    }
    #[inline(always)]
    fn store_key(&mut self, _t: *mut Table, _key: DirectValue, _v: DirectValue) -> bool {
        false
    }
    #[inline(always)]
    fn length(&mut self, t: *mut Table) -> Option<i64> {
        // SAFETY: `t` is a live table.
        unsafe {
            if cache::may_have_metatable(self.vm, t) {
                None
            } else {
                Some((*t).border as i64)
            }
        }
    }
    // A constructor may collect afterwards, which takes the saved state: the slow path's work.
    #[inline(always)]
    fn new_table(&mut self, _a: Register, _array: usize, _fields: usize) -> bool {
        false
    }
    #[inline(always)]
    fn new_cell(&mut self, _a: Register, _v: DirectValue) -> bool {
        false
    }
    #[inline(always)]
    fn new_closure(&mut self, _a: Register, _n: usize) -> bool {
        false
    }
    #[inline(always)]
    fn concat(&mut self, _a: Register, _count: usize) -> bool {
        false
    }
    #[inline(always)]
    fn set_list(&mut self, _a: Register, _count: usize) -> bool {
        false
    }
    #[inline(always)]
    fn jump(&mut self, offset: isize) {
        // SAFETY: jumps of verified code stay within it.
        self.pc = unsafe { self.pc.offset(offset) };
    }
    #[inline(always)]
    fn branch(&mut self, taken: bool) {
        if taken {
            let offset = self.insn().ci() as isize;
            self.jump(offset);
        }
    }
    #[inline(always)]
    fn skip_word(&mut self) {
        // SAFETY: called by instructions that have an extra word.
        self.pc = unsafe { self.pc.add(1) };
    }
    #[inline(always)]
    fn at_back_edge(&mut self) -> bool {
        // SAFETY: the word at pc is the back-edge's location.
        unsafe {
            hot::count(self.pc);
            hot::is_hot(self.vm, self.pc) || self.must_poll()
        }
    }
    #[inline(always)]
    fn must_poll(&mut self) -> bool {
        // SAFETY: vm is live (module invariant).
        unsafe { (*self.vm).pending.load(Ordering::Relaxed) != 0 }
    }
    #[inline(always)]
    fn enter(&mut self, f: *mut LuaClosure, a: Register, args: usize) -> bool {
        // SAFETY: `f` is live (a register holds it); the word after a call is its site or zero.
        unsafe {
            let vm = self.vm;
            let proto = (*f).proto;
            let site = *self.pc as *const CallSite;
            let base = self.slot(a).add(1);
            let room = (*vm).stack_limit as usize;
            let end = base as usize + (*proto).frame_bytes as usize;
            if args != (*proto).exact_args as usize
                || site.is_null()
                || end > room
                || (*vm).frame_top >= (*vm).frame_limit
            {
                return false;
            }
            let frame = (*vm).frame_top.add(1);
            (*vm).frame_top = frame;
            *frame = Frame {
                site,
                varargs: 0,
                flags: 0,
            };
            self.base = base;
            self.pc = (*proto).entry;
            self.constants = (*proto).constants_start;
            true
        }
    }
    #[inline(always)]
    fn at_entry(&mut self) {
        // SAFETY: the function that was just entered is at its start; its proto is live.
        unsafe {
            let location = hot::entry_location((*self.closure()).proto);
            hot::count(location);
            if hot::is_hot(self.vm, location) {
                self.pc = hot::at_hot_entry();
            }
        }
    }
    // What these would do is the slow paths' work, by shortcuts of their own.
    #[inline(always)]
    fn call_native(&mut self, _f: DirectValue, _a: Register, _args: usize) -> bool {
        false
    }
    #[inline(always)]
    fn tail_call(&mut self, _f: DirectValue, _a: Register, _args: usize) -> bool {
        false
    }
    #[inline(always)]
    fn iterate(&mut self, _a: Register, _results: usize) -> bool {
        false
    }
    #[inline(always)]
    fn nothing_to_close(&mut self) -> bool {
        false
    }
    #[inline(always)]
    fn leave(&mut self, v: Option<DirectValue>) -> bool {
        // SAFETY: the running frame has a call site; its caller's frame lies below.
        unsafe {
            let vm = self.vm;
            let frame = (*vm).frame_top;
            let site = (*frame).site;
            let key = (*site).key;
            // Both words at once, without the flag for tail calls (the top bit).
            let plain = *(&raw const (*frame).varargs as *const u64) << 1 == 0;
            if !plain || key.wrapping_sub(1) > 1 {
                return false;
            }
            if key == 2 {
                let v = match v {
                    Some(v) => v.value(),
                    None => Value::NIL,
                };
                let slot = self.base.sub(1);
                (*slot).payload = v.payload;
                (*slot).tag = v.tag;
            }
            (*vm).frame_top = frame.sub(1);
            self.base = (self.base as *mut u8).sub((*site).delta as usize) as *mut Value;
            self.pc = (*site).return_pc;
            self.constants = (*site).constants;
            true
        }
    }
    #[inline(always)]
    fn leave_with(&mut self, first: Register, count: usize) -> bool {
        self.leave_with_results(first, count)
    }
}
