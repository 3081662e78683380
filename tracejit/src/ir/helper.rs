//! Functions of the runtime that traces call: they never raise, collect or run Lua code.

use super::op::Type;
use perilune_frontend::number;
use perilune_runtime::construct;
use perilune_runtime::function::{Cell, LuaClosure, Proto};
use perilune_runtime::table::Table;
use perilune_runtime::value::Value;
use perilune_runtime::vm::Vm;

/// What a helper's result depends on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HelperEffect {
    /// Its operands alone.
    Pure,
    /// Tables: their shape, header, record slots and elements.
    ReadsTables,
    /// Changes elements of a table.
    WritesTable,
    /// Changes a table's shape and where its fields are.
    AddsField,
    /// Makes an object; answers 0 when it declines.
    Allocates,
}

macro_rules! helpers {
    ($($(#[$doc:meta])* $name:ident = $function:path, ($($operand:ident),*) -> $result:ident, $effect:ident;)*) => {
        /// A helper; its number stands in `imm` of a call.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
        #[repr(i32)]
        pub enum Helper { $($(#[$doc])* $name),* }

        impl Helper {
            /// All helpers, by number.
            pub const ALL: &'static [Helper] = &[$(Helper::$name),*];
            /// Its name.
            pub fn name(self) -> &'static str { match self { $(Helper::$name => stringify!($name)),* } }
            /// Its address.
            pub fn address(self) -> usize { match self { $(Helper::$name => $function as *const () as usize),* } }
            /// Its operands' types.
            pub fn operands(self) -> &'static [Type] { match self { $(Helper::$name => &[$(Type::$operand),*]),* } }
            /// Its result's type.
            pub fn result(self) -> Type { match self { $(Helper::$name => Type::$result),* } }
            /// What it depends on.
            pub fn effect(self) -> HelperEffect { match self { $(Helper::$name => HelperEffect::$effect),* } }
        }
    };
}
helpers! {
    /// `a % b` (manual 3.4.1).
    FloatMod = float_mod, (Float, Float) -> Float, Pure;
    /// `a // b`
    FloatFloorDiv = float_floor_div, (Float, Float) -> Float, Pure;
    /// `a ^ b`
    FloatPow = float_pow, (Float, Float) -> Float, Pure;
    /// Appends the value with tag b and payload c to table a: 1, or 0 when there is no room (and
    /// then nothing is done).
    Append = append, (Int, Int, Int) -> Int, WritesTable;
    /// Gives table b the shape c, which has one field more: 1, or 0 when it declines.
    AddSlot = add_slot, (Int, Int, Int) -> Int, AddsField;
    /// Makes room for c list items from element b + 1 of table a on: 1, or 0 when it declines.
    ExtendList = extend_list, (Int, Int, Int) -> Int, WritesTable;
    /// A new table with room for `b >> 32` elements and for fields (the low half of b).
    NewTable = new_table, (Int, Int) -> Int, Allocates;
    /// A new cell that holds the value with tag b and payload c.
    NewCell = new_cell, (Int, Int, Int) -> Int, Allocates;
    /// A new closure of proto b, whose upvalues are stored next.
    NewClosure = new_closure, (Int, Int) -> Int, Allocates;
}

impl HelperEffect {
    /// Whether the call changes memory that traces look at.
    pub fn is_write(self) -> bool {
        matches!(self, HelperEffect::WritesTable | HelperEffect::AddsField)
    }
}

extern "C-unwind" fn float_mod(a: f64, b: f64) -> f64 {
    number::float_mod(a, b)
}
extern "C-unwind" fn float_floor_div(a: f64, b: f64) -> f64 {
    number::float_floor_div(a, b)
}
extern "C-unwind" fn float_pow(a: f64, b: f64) -> f64 {
    number::float_pow(a, b)
}

/// # Safety
/// `t` is a live table, and tag and payload make a live value for which no barrier is due.
unsafe extern "C-unwind" fn append(t: *mut Table, tag: u64, payload: u64) -> u64 {
    let value = Value {
        payload,
        tag: tag as u8,
    };
    // SAFETY: the caller's contract.
    u64::from(unsafe { Table::array_append(t, value) })
}

/// # Safety
/// As [`construct::add_slot`].
unsafe extern "C-unwind" fn add_slot(vm: *mut Vm, t: *mut Table, shape: u64) -> u64 {
    // SAFETY: the caller's contract.
    u64::from(unsafe { construct::add_slot(vm, t, shape as u32) })
}
/// # Safety
/// As [`construct::table`].
unsafe extern "C-unwind" fn new_table(vm: *mut Vm, sizes: u64) -> *mut Table {
    // SAFETY: the caller's contract.
    unsafe { construct::table(vm, (sizes >> 32) as usize, sizes as u32 as usize) }
}
/// # Safety
/// As [`construct::cell`].
unsafe extern "C-unwind" fn new_cell(vm: *mut Vm, tag: u64, payload: u64) -> *mut Cell {
    let value = Value {
        payload,
        tag: tag as u8,
    };
    // SAFETY: the caller's contract.
    unsafe { construct::cell(vm, value) }
}
/// # Safety
/// As [`construct::closure`].
unsafe extern "C-unwind" fn new_closure(vm: *mut Vm, proto: *mut Proto) -> *mut LuaClosure {
    // SAFETY: the caller's contract.
    unsafe { construct::closure(vm, proto) }
}
/// # Safety
/// As [`construct::extend_list`].
unsafe extern "C-unwind" fn extend_list(t: *mut Table, first: u64, count: u64) -> u64 {
    // SAFETY: the caller's contract.
    u64::from(unsafe { construct::extend_list(t, first as usize, count as usize) })
}
