//! The recorder as a [`Machine`]: each primitive executes, and writes down what it did.
//!
//! What a primitive answers in a plain Rust type is guarded before it is answered.

use super::values::{RecordedClosure, Source};
use super::{RecordedFloat, RecordedInteger, RecordedTable, RecordedValue, Recording};
use crate::ir::{Class, Helper, Op, Ref};
use perilune_runtime::construct;
use perilune_runtime::function::LuaClosure;
use perilune_runtime::layout;
use perilune_runtime::machine::direct::DirectValue;
use perilune_runtime::machine::{Constant, Direct, Machine, Register};
use perilune_runtime::string::{INTERNED, LuaString};
use perilune_runtime::value::{self, Value};
use std::sync::atomic::Ordering;

/// Integer operations: observed by the executing machine, recorded as one operation.
macro_rules! integer_operations {
    ($($name:ident, $op:ident;)*) => { $(
        fn $name(&mut self, a: RecordedInteger, b: RecordedInteger) -> RecordedInteger {
            RecordedInteger {
                concrete: self.direct.$name(a.concrete, b.concrete),
                r: self.emit(Op::$op, 0, &[a.r, b.r]),
            }
        }
    )* };
}

/// Divisions, which have no result for a divisor of zero.
macro_rules! integer_divisions {
    ($($name:ident, $op:ident;)*) => { $(
        fn $name(&mut self, a: RecordedInteger, b: RecordedInteger) -> Option<RecordedInteger> {
            let concrete = self.direct.$name(a.concrete, b.concrete);
            let zero = self.int(0);
            match concrete {
                Some(concrete) => {
                    self.guard_expected(Op::GuardNe, 0, &[b.r, zero]);
                    Some(RecordedInteger { concrete, r: self.emit(Op::$op, 0, &[a.r, b.r]) })
                }
                None => {
                    self.guard(Op::GuardEq, &[b.r, zero]);
                    None
                }
            }
        }
    )* };
}

/// Comparisons: a guard for what was observed. The last two columns are the guard when it holds,
/// and when not; `swap` says that the latter takes its operands the other way round.
macro_rules! comparisons {
    ($($name:ident, $kind:ident, $yes:ident, $no:ident, $swap:literal;)*) => { $(
        fn $name(&mut self, a: $kind, b: $kind) -> bool {
            let holds = self.direct.$name(a.concrete, b.concrete);
            if holds {
                self.guard(Op::$yes, &[a.r, b.r]);
            } else if $swap {
                self.guard(Op::$no, &[b.r, a.r]);
            } else {
                self.guard(Op::$no, &[a.r, b.r]);
            }
            holds
        }
    )* };
}

macro_rules! float_operations {
    ($($name:ident, $op:ident;)*) => { $(
        fn $name(&mut self, a: RecordedFloat, b: RecordedFloat) -> RecordedFloat {
            RecordedFloat {
                concrete: self.direct.$name(a.concrete, b.concrete),
                r: self.emit(Op::$op, 0, &[a.r, b.r]),
            }
        }
    )* };
}

macro_rules! float_helpers {
    ($($name:ident, $helper:ident;)*) => { $(
        fn $name(&mut self, a: RecordedFloat, b: RecordedFloat) -> RecordedFloat {
            RecordedFloat {
                concrete: self.direct.$name(a.concrete, b.concrete),
                r: self.emit(Op::CallFloat, Helper::$helper as i32, &[a.r, b.r]),
            }
        }
    )* };
}

macro_rules! tag_tests {
    ($($name:ident, $guard:ident, $test:expr;)*) => { $(
        fn $name(&mut self, v: RecordedValue) -> bool {
            let test: fn(value::Tag) -> bool = $test;
            test(self.$guard(v))
        }
    )* };
}

impl Recording {
    fn register(&self, r: Register) -> i32 {
        self.slot_of(r)
    }

    /// The slot of a register of the running function.
    pub(super) fn slot_of(&self, r: Register) -> i32 {
        self.base + (r.0 / layout::VALUE_SIZE as usize) as i32
    }

    /// Writes a register of the machine.
    pub(super) fn write(&mut self, r: Register, v: Value) {
        self.direct.set(r, DirectValue::Known(v));
    }

    fn set_known(&mut self, r: Register, v: Value) {
        self.direct.set(r, DirectValue::Known(v));
        let RecordedValue {
            source: Source::Refs { tag, payload },
            ..
        } = self.constant_value(v)
        else {
            return;
        };
        let slot = self.register(r);
        self.set_slot(slot, tag, payload);
    }

    /// The running closure: its observed address and its ref.
    pub(super) fn closure(&mut self) -> RecordedClosure {
        let concrete = self.concrete(self.base - 1);
        let payload = self.payload_of(RecordedValue {
            concrete,
            source: Source::Slot(self.base - 1),
        });
        RecordedClosure {
            concrete: concrete.as_pointer(),
            r: payload,
        }
    }

    /// The cell of an upvalue of the running closure.
    fn upvalue_cell(&mut self, n: usize) -> (*mut perilune_runtime::function::Cell, Ref) {
        let closure = self.closure();
        let offset = layout::CLOSURE_UPVALUES + (n * size_of::<usize>()) as i32;
        let r = self.memory(Op::Load64, Class::Upvalue, offset, &[closure.r]);
        // SAFETY: the running closure is live and has that upvalue.
        (unsafe { LuaClosure::upvalue(closure.concrete, n) }, r)
    }

    fn store_cell(
        &mut self,
        cell: *mut perilune_runtime::function::Cell,
        r: Ref,
        v: RecordedValue,
    ) -> bool {
        self.guard_tag(v);
        let (tag, payload) = (self.best_tag(v), self.payload_of(v));
        if v.concrete.tag >= value::STRING {
            self.emit(Op::BarrierForward, 0, &[r, payload]);
        }
        self.store_value(Class::Cell, r, layout::CELL_VALUE, Some(tag), payload);
        // SAFETY: the cell is live; its value is written field by field.
        unsafe {
            (*cell).value = v.concrete;
            let header = &raw mut (*cell).header;
            (*self.direct.vm).heap.barrier_forward(header, v.concrete);
        }
        true
    }
}

impl Machine for Recording {
    type Value = RecordedValue;
    type Integer = RecordedInteger;
    type Float = RecordedFloat;
    type Table = RecordedTable;
    type Closure = RecordedClosure;

    fn get(&mut self, r: Register) -> RecordedValue {
        let slot = self.register(r);
        RecordedValue {
            concrete: self.concrete(slot),
            source: Source::Slot(slot),
        }
    }
    fn set(&mut self, r: Register, v: RecordedValue) {
        let (tag, payload) = (self.best_tag(v), self.payload_of(v));
        self.direct.set(r, DirectValue::Known(v.concrete));
        let slot = self.register(r);
        self.set_slot(slot, tag, payload);
    }
    fn set_integer(&mut self, r: Register, v: RecordedInteger) {
        self.direct.set_integer(r, v.concrete);
        let (slot, tag) = (self.register(r), self.int(value::INTEGER as i64));
        self.set_slot(slot, tag, v.r);
    }
    fn set_float(&mut self, r: Register, v: RecordedFloat) {
        self.direct.set_float(r, v.concrete);
        let (slot, tag) = (self.register(r), self.int(value::FLOAT as i64));
        self.set_slot(slot, tag, v.r);
    }
    fn set_boolean(&mut self, r: Register, v: bool) {
        self.set_known(r, Value::boolean(v));
    }
    fn set_nil(&mut self, r: Register) {
        self.set_known(r, Value::NIL);
    }
    fn constant(&mut self, k: Constant) -> RecordedValue {
        let v = self.direct.constant(k).value();
        self.constant_value(v)
    }

    tag_tests! {
        is_integer, guard_tag, |tag| tag == value::INTEGER;
        is_float, guard_tag, |tag| tag == value::FLOAT;
        is_nil, guard_tested_tag, |tag| tag == value::NIL;
        is_table, guard_tag, |tag| tag == value::TABLE;
        is_string, guard_tag, |tag| tag == value::STRING;
        is_lua_closure, guard_tag, |tag| tag == value::LUA_CLOSURE;
        is_object, guard_tag, |tag| tag >= value::STRING;
        is_truthy, guard_tested_tag, |tag| tag.wrapping_sub(value::FALSE) > 1;
    }
    fn both_integers(&mut self, a: RecordedValue, b: RecordedValue) -> bool {
        self.guard_tag(a) | self.guard_tag(b) == value::INTEGER
    }
    fn both_floats(&mut self, a: RecordedValue, b: RecordedValue) -> bool {
        let (a, b) = (self.guard_tag(a), self.guard_tag(b));
        a == value::FLOAT && b == value::FLOAT
    }
    fn same_tag(&mut self, a: RecordedValue, b: RecordedValue) -> bool {
        self.guard_tag(a) == self.guard_tag(b)
    }
    fn is_identical(&mut self, a: RecordedValue, b: RecordedValue) -> bool {
        let (x, y) = (self.guard_tested_tag(a), self.guard_tested_tag(b));
        // Values without a payload are told apart by their tags.
        if x != y || (value::FALSE..=value::TRUE).contains(&x) {
            return x == y;
        }
        let identical = a.concrete.payload == b.concrete.payload;
        let (mut p, mut q) = (self.payload_of(a), self.payload_of(b));
        if x == value::FLOAT {
            p = self.emit(Op::FloatBits, 0, &[p]);
            q = self.emit(Op::FloatBits, 0, &[q]);
        }
        let guard = if identical { Op::GuardEq } else { Op::GuardNe };
        self.guard(guard, &[p, q]);
        identical
    }
    fn both_interned(&mut self, a: RecordedValue, b: RecordedValue) -> bool {
        let mut all = true;
        for v in [a, b] {
            // SAFETY: both values are strings, live in registers or constants.
            let interned = unsafe { LuaString::is_interned(v.concrete.as_pointer()) };
            let string = self.payload_of(v);
            if !string.is_constant() {
                let flags =
                    self.memory(Op::Load8, Class::Constant, layout::OBJECT_FLAGS, &[string]);
                let bit = self.int(INTERNED as i64);
                let guard = if interned {
                    Op::GuardBits
                } else {
                    Op::GuardNoBits
                };
                self.guard_expected(guard, 0, &[flags, bit]);
            }
            all &= interned;
        }
        all
    }

    fn as_integer(&mut self, v: RecordedValue) -> RecordedInteger {
        RecordedInteger {
            concrete: v.concrete.as_integer(),
            r: self.payload_of(v),
        }
    }
    fn as_float(&mut self, v: RecordedValue) -> RecordedFloat {
        RecordedFloat {
            concrete: v.concrete.as_float(),
            r: self.payload_of(v),
        }
    }
    fn as_table(&mut self, v: RecordedValue) -> RecordedTable {
        RecordedTable {
            concrete: v.concrete.as_pointer(),
            r: self.payload_of(v),
        }
    }
    fn as_closure(&mut self, v: RecordedValue) -> RecordedClosure {
        RecordedClosure {
            concrete: v.concrete.as_pointer(),
            r: self.payload_of(v),
        }
    }
    fn static_integer(&mut self, v: i64) -> RecordedInteger {
        RecordedInteger {
            concrete: v,
            r: self.int(v),
        }
    }
    fn static_float(&mut self, v: f64) -> RecordedFloat {
        RecordedFloat {
            concrete: v,
            r: self.trace.float(v),
        }
    }
    fn integer_to_float(&mut self, v: RecordedInteger) -> RecordedFloat {
        let concrete = v.concrete as f64;
        // Constants stay constants, so that what is recorded next knows them.
        let r = match self.trace.int_of(v.r) {
            Some(_) => self.trace.float(concrete),
            None => self.emit(Op::IntToFloat, 0, &[v.r]),
        };
        RecordedFloat { concrete, r }
    }

    fn float_to_integer(&mut self, v: RecordedFloat) -> Option<RecordedInteger> {
        let concrete = self.direct.float_to_integer(v.concrete);
        let r = self.emit(Op::FloatToInt, 0, &[v.r]);
        let back = self.emit(Op::IntToFloat, 0, &[r]);
        let guard = match concrete {
            Some(_) => Op::GuardFEq,
            None => Op::GuardNotFEq,
        };
        self.guard(guard, &[back, v.r]);
        concrete.map(|concrete| RecordedInteger { concrete, r })
    }

    integer_operations! {
        integer_add, Add;
        integer_sub, Sub;
        integer_mul, Mul;
        integer_and, And;
        integer_or, Or;
        integer_xor, Xor;
        integer_shl, Shl;
        integer_shr, Shr;
    }
    integer_divisions! {
        integer_mod, FloorMod;
        integer_floor_div, FloorDiv;
    }
    comparisons! {
        integer_lt, RecordedInteger, GuardLt, GuardLe, true;
        integer_le, RecordedInteger, GuardLe, GuardLt, true;
        integer_eq, RecordedInteger, GuardEq, GuardNe, false;
        float_lt, RecordedFloat, GuardFLt, GuardNotFLt, false;
        float_le, RecordedFloat, GuardFLe, GuardNotFLe, false;
        float_eq, RecordedFloat, GuardFEq, GuardNotFEq, false;
    }
    float_operations! {
        float_add, FAdd;
        float_sub, FSub;
        float_mul, FMul;
        float_div, FDiv;
    }
    fn float_mod(&mut self, a: RecordedFloat, b: RecordedFloat) -> RecordedFloat {
        let concrete = self.direct.float_mod(a.concrete, b.concrete);
        let r = self.float_remainder(a, b);
        RecordedFloat { concrete, r }
    }
    float_helpers! {
        float_floor_div, FloatFloorDiv;
        float_pow, FloatPow;
    }
    fn float_neg(&mut self, a: RecordedFloat) -> RecordedFloat {
        RecordedFloat {
            concrete: -a.concrete,
            r: self.emit(Op::FNeg, 0, &[a.r]),
        }
    }

    fn for_count(
        &mut self,
        start: RecordedInteger,
        limit: RecordedInteger,
        step: RecordedInteger,
    ) -> Option<RecordedInteger> {
        let concrete = self
            .direct
            .for_count(start.concrete, limit.concrete, step.concrete);
        let zero = self.int(0);
        let up = step.concrete > 0;
        // The sign is promoted, not the value.
        let signs = if up { [zero, step.r] } else { [step.r, zero] };
        self.guard_expected(Op::GuardLt, 0, &signs);
        let (low, high) = if up { (start, limit) } else { (limit, start) };
        let Some(concrete) = concrete else {
            self.guard(Op::GuardLt, &[high.r, low.r]);
            return None;
        };
        self.guard(Op::GuardLe, &[low.r, high.r]);
        let distance = self.emit(Op::Sub, 0, &[high.r, low.r]);
        let stride = if up {
            step.r
        } else {
            self.emit(Op::Sub, 0, &[zero, step.r])
        };
        Some(RecordedInteger {
            concrete,
            r: self.emit(Op::DivUnsigned, 0, &[distance, stride]),
        })
    }

    fn upvalue(&mut self, n: usize) -> RecordedValue {
        let (cell, r) = self.upvalue_cell(n);
        // SAFETY: cells of the running closure are live.
        let concrete = unsafe { (*cell).value };
        self.load_value(concrete, Class::Cell, r, layout::CELL_VALUE)
    }
    fn set_upvalue(&mut self, n: usize, v: RecordedValue) -> bool {
        let (cell, r) = self.upvalue_cell(n);
        self.store_cell(cell, r, v)
    }
    fn cell_value(&mut self, v: RecordedValue) -> RecordedValue {
        let r = self.payload_of(v);
        let cell: *mut perilune_runtime::function::Cell = v.concrete.as_pointer();
        // SAFETY: verified code reads cells only from registers that hold cells.
        let concrete = unsafe { (*cell).value };
        self.load_value(concrete, Class::Cell, r, layout::CELL_VALUE)
    }
    fn set_cell_value(&mut self, c: RecordedValue, v: RecordedValue) -> bool {
        let r = self.payload_of(c);
        self.store_cell(c.concrete.as_pointer(), r, v)
    }

    fn field(&mut self, t: RecordedTable) -> Option<RecordedValue> {
        self.record_field(t)
    }
    fn string_method(&mut self) -> Option<RecordedValue> {
        self.record_string_method()
    }
    fn set_field(&mut self, t: RecordedTable, v: RecordedValue) -> bool {
        self.record_set_field(t, v)
    }
    fn element(&mut self, t: RecordedTable, i: RecordedInteger) -> Option<RecordedValue> {
        self.record_element(t, i)
    }
    fn set_element(&mut self, t: RecordedTable, i: RecordedInteger, v: RecordedValue) -> bool {
        self.record_set_element(t, i, v)
    }
    fn find_key(&mut self, t: RecordedTable, key: RecordedValue) -> Option<RecordedValue> {
        self.record_find(t, key)
    }
    fn store_key(&mut self, t: RecordedTable, key: RecordedValue, v: RecordedValue) -> bool {
        self.record_store(t, key, v)
    }
    fn length(&mut self, t: RecordedTable) -> Option<RecordedInteger> {
        self.record_length(t)
    }

    fn new_table(&mut self, a: Register, array: usize, fields: usize) -> bool {
        self.record_new_table(a, array, fields)
    }
    fn new_cell(&mut self, a: Register, v: RecordedValue) -> bool {
        self.record_new_cell(a, v)
    }
    fn new_closure(&mut self, a: Register, n: usize) -> bool {
        self.record_new_closure(a, n)
    }
    fn concat(&mut self, a: Register, count: usize) -> bool {
        self.record_concat(a, count)
    }
    fn set_list(&mut self, a: Register, count: usize) -> bool {
        self.record_set_list(a, count)
    }

    fn jump(&mut self, offset: isize) {
        self.direct.jump(offset);
    }
    fn branch(&mut self, taken: bool) {
        self.direct.branch(taken);
    }
    fn skip_word(&mut self) {
        self.direct.skip_word();
    }
    fn at_back_edge(&mut self) -> bool {
        self.must_poll()
    }
    fn must_poll(&mut self) -> bool {
        // SAFETY: the machine is live.
        let pending = unsafe { (*self.direct.vm).pending.load(Ordering::Relaxed) != 0 };
        if !pending {
            self.guard_expected(Op::GuardQuiet, 0, &[]);
        }
        pending
    }
    fn enter(&mut self, f: RecordedClosure, a: Register, args: usize) -> bool {
        self.record_enter(f, a, args)
    }
    fn at_entry(&mut self) {}
    fn call_native(&mut self, f: RecordedValue, a: Register, args: usize) -> bool {
        self.record_native_call(f, a, args)
    }
    fn tail_call(&mut self, f: RecordedValue, a: Register, args: usize) -> bool {
        self.record_tail_call(f, a, args)
    }
    fn iterate(&mut self, a: Register, results: usize) -> bool {
        self.record_iteration(a, results)
    }
    fn nothing_to_close(&mut self) -> bool {
        // SAFETY: the machine is live.
        if unsafe { !construct::nothing_to_close(self.direct.vm) } {
            return false;
        }
        let any = self.emit(Op::CallInt, Helper::ToBeClosed as i32, &[]);
        let zero = self.int(0);
        self.guard(Op::GuardEq, &[any, zero]);
        true
    }
    fn leave(&mut self, v: Option<RecordedValue>) -> bool {
        self.record_leave(v)
    }
    fn leave_with(&mut self, first: Register, count: usize) -> bool {
        self.record_leave_with(first, count)
    }
}

impl Recording {
    /// Forgets what is known of the slots from `from` up to `to`: memory has their values.
    pub(super) fn forget(&mut self, from: i32, to: i32) {
        self.shadow.forget(from, to);
    }

    /// The machine that executes, for one primitive.
    pub(super) fn executing(&mut self) -> &mut Direct {
        &mut self.direct
    }
}
