//! Functions of the runtime that traces call: they never raise, collect or run Lua code.

use super::op::Type;
use perilune_frontend::number;
use perilune_runtime::construct;
use perilune_runtime::function::{Cell, LuaClosure, Proto};
use perilune_runtime::keyed;
use perilune_runtime::string::LuaString;
use perilune_runtime::table::{Node, Table};
use perilune_runtime::value::{INTEGER, STRING, Value};
use perilune_runtime::vm::Vm;

/// What a helper's result depends on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HelperEffect {
    /// Its operands alone.
    Pure,
    /// Tables: their shape, header, record slots and elements.
    ReadsTables,
    /// Where a table has a key in its hash part.
    FindsNode,
    /// Changes elements of a table, and may change its hash part.
    WritesTable,
    /// Changes a table's shape to the one that is its second operand, and where its fields are.
    AddsField,
    /// Changes a table's shape to the one that is its second operand.
    GivesShape,
    /// Changes a table's shape and where its fields are.
    SetsMetatable,
    /// Changes what the machine has found.
    Finds,
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
    /// `math.sin(a)`
    FloatSin = float_sin, (Float) -> Float, Pure;
    /// `math.cos(a)`
    FloatCos = float_cos, (Float) -> Float, Pure;
    /// Appends the value with tag b and payload c to table a: 1, or 0 when it declines.
    Append = append, (Int, Int, Int) -> Int, WritesTable;
    /// Gives table a the shape b, which has one field more: 1, or 0 when it declines.
    AddSlot = add_slot, (Int, Int) -> Int, AddsField;
    /// Gives table a, which has none, the metatable b: 1, or 0 when it declines.
    SetMetatable = set_metatable, (Int, Int) -> Int, SetsMetatable;
    /// Gives table a the shape b, which differs from its own in the metatable: 1.
    GiveShape = give_shape, (Int, Int) -> Int, GivesShape;
    /// Makes room for c list items from element b + 1 of table a on: 1, or 0 when it declines.
    ExtendList = extend_list, (Int, Int, Int) -> Int, WritesTable;
    /// A new table with room for `a >> 32` elements and for fields (the low half of a).
    NewTable = new_table, (Int) -> Int, Allocates;
    /// A new table of the shape a, with as many record slots as the low half of b says, all nil, and
    /// `b >> 32` list items, which are stored next.
    NewRecord = new_record, (Int, Int) -> Int, Allocates;
    /// A new cell that holds the value with tag a and payload b.
    NewCell = new_cell, (Int, Int) -> Int, Allocates;
    /// A new closure of proto a, whose upvalues are stored next.
    NewClosure = new_closure, (Int) -> Int, Allocates;
    /// The bytes of string a from b up to c, counted from 0, as a string.
    Substring = substring, (Int, Int, Int) -> Int, Allocates;
    /// The concatenation of two strings or numbers: of the tag in the lowest byte of a and payload b,
    /// and of the tag in its next byte and payload c.
    Concat = concat, (Int, Int, Int) -> Int, Allocates;
    /// The concatenation of strings a, b and c.
    ConcatThree = concat_three, (Int, Int, Int) -> Int, Allocates;
    /// The concatenation of string a, integer b and string c.
    ConcatInteger = concat_integer, (Int, Int, Int) -> Int, Allocates;
    /// How many variables are to be closed, at most: 0 or 1.
    ToBeClosed = to_be_closed, () -> Int, ReadsTables;
    /// Whether table a has no value for the key with tag b and payload c: 1 or 0.
    IsAbsent = is_absent, (Int, Int, Int) -> Int, ReadsTables;
    /// The value of table a for the key with tag b and payload c, found in the machine: 1, or 0 when it
    /// declines.
    Find = find, (Int, Int, Int) -> Int, Finds;
    /// The node of table a for the key with tag b and payload c, or 0.
    FindNode = find_node, (Int, Int, Int) -> Int, FindsNode;
    /// Stores what was found in the machine to table a under the key with tag b and payload c: 1, or 0
    /// when it declines.
    StoreFound = store_found, (Int, Int, Int) -> Int, WritesTable;
    /// `next` of table a, after the key with tag b and payload c: 0 at the end, 1 with the key and
    /// value found in the machine, 2 when there is no such key.
    Next = next, (Int, Int, Int) -> Int, Finds;
}

impl HelperEffect {
    /// Whether the call changes memory that traces look at.
    pub fn is_write(self) -> bool {
        matches!(
            self,
            HelperEffect::WritesTable
                | HelperEffect::AddsField
                | HelperEffect::GivesShape
                | HelperEffect::SetsMetatable
        )
    }

    /// Whether the call may decline, by answering 0. Other helpers' answers are data.
    pub fn may_decline(self) -> bool {
        self.is_write() || self == HelperEffect::Allocates
    }
}

// All helpers get the machine as their last argument.

extern "C-unwind" fn float_mod(a: f64, b: f64, _: *mut Vm) -> f64 {
    number::float_mod(a, b)
}
extern "C-unwind" fn float_floor_div(a: f64, b: f64, _: *mut Vm) -> f64 {
    number::float_floor_div(a, b)
}
extern "C-unwind" fn float_pow(a: f64, b: f64, _: *mut Vm) -> f64 {
    number::float_pow(a, b)
}
extern "C-unwind" fn float_sin(a: f64, _: *mut Vm) -> f64 {
    a.sin()
}
extern "C-unwind" fn float_cos(a: f64, _: *mut Vm) -> f64 {
    a.cos()
}

fn value(tag: u64, payload: u64) -> Value {
    Value {
        payload,
        tag: tag as u8,
    }
}

/// # Safety
/// As [`construct::append`].
unsafe extern "C-unwind" fn append(t: *mut Table, tag: u64, payload: u64, vm: *mut Vm) -> u64 {
    // SAFETY: the caller's contract.
    u64::from(unsafe { construct::append(vm, t, value(tag, payload)) })
}
/// # Safety
/// As [`construct::add_slot`].
unsafe extern "C-unwind" fn add_slot(t: *mut Table, shape: u64, vm: *mut Vm) -> u64 {
    // SAFETY: the caller's contract.
    u64::from(unsafe { construct::add_slot(vm, t, shape as u32) })
}
/// # Safety
/// As [`construct::set_metatable`].
unsafe extern "C-unwind" fn set_metatable(
    t: *mut Table,
    metatable: *mut Table,
    vm: *mut Vm,
) -> u64 {
    // SAFETY: the caller's contract.
    u64::from(unsafe { construct::set_metatable(vm, t, metatable) })
}
/// # Safety
/// As [`construct::give_shape`].
unsafe extern "C-unwind" fn give_shape(t: *mut Table, shape: u64, vm: *mut Vm) -> u64 {
    // SAFETY: the caller's contract.
    unsafe { construct::give_shape(vm, t, shape as u32) }
    1
}
/// # Safety
/// As [`construct::extend_list`].
unsafe extern "C-unwind" fn extend_list(t: *mut Table, first: u64, count: u64, vm: *mut Vm) -> u64 {
    // SAFETY: the caller's contract.
    u64::from(unsafe { construct::extend_list(vm, t, first as usize, count as usize) })
}
/// # Safety
/// As [`construct::table`].
unsafe extern "C-unwind" fn new_table(sizes: u64, vm: *mut Vm) -> *mut Table {
    // SAFETY: the caller's contract.
    unsafe { construct::table(vm, (sizes >> 32) as usize, sizes as u32 as usize) }
}
/// # Safety
/// As [`construct::record`].
unsafe extern "C-unwind" fn new_record(shape: u64, counts: u64, vm: *mut Vm) -> *mut Table {
    let (items, slots) = ((counts >> 32) as usize, counts as u32 as usize);
    // SAFETY: the caller's contract.
    unsafe { construct::record(vm, shape as u32, slots, items) }
}
/// # Safety
/// As [`construct::cell`].
unsafe extern "C-unwind" fn new_cell(tag: u64, payload: u64, vm: *mut Vm) -> *mut Cell {
    // SAFETY: the caller's contract.
    unsafe { construct::cell(vm, value(tag, payload)) }
}
/// # Safety
/// As [`construct::closure`].
unsafe extern "C-unwind" fn new_closure(proto: *mut Proto, vm: *mut Vm) -> *mut LuaClosure {
    // SAFETY: the caller's contract.
    unsafe { construct::closure(vm, proto) }
}
/// # Safety
/// As [`construct::substring`].
unsafe extern "C-unwind" fn substring(
    s: *const LuaString,
    from: u64,
    to: u64,
    vm: *mut Vm,
) -> *mut LuaString {
    // SAFETY: the caller's contract.
    unsafe { construct::substring(vm, s, from as usize, to as usize) }
}
/// # Safety
/// As [`construct::concat`].
unsafe extern "C-unwind" fn concat(tags: u64, a: u64, b: u64, vm: *mut Vm) -> *mut LuaString {
    let parts = [value(tags & 0xff, a), value(tags >> 8, b)];
    // SAFETY: the caller's contract.
    unsafe { construct::concat(vm, &parts) }
}
/// # Safety
/// As [`construct::concat`].
unsafe extern "C-unwind" fn concat_three(a: u64, b: u64, c: u64, vm: *mut Vm) -> *mut LuaString {
    let string = u64::from(STRING);
    let parts = [value(string, a), value(string, b), value(string, c)];
    // SAFETY: the caller's contract.
    unsafe { construct::concat(vm, &parts) }
}
/// # Safety
/// As [`construct::concat`].
unsafe extern "C-unwind" fn concat_integer(a: u64, b: u64, c: u64, vm: *mut Vm) -> *mut LuaString {
    let (string, integer) = (u64::from(STRING), u64::from(INTEGER));
    let parts = [value(string, a), value(integer, b), value(string, c)];
    // SAFETY: the caller's contract.
    unsafe { construct::concat(vm, &parts) }
}
/// # Safety
/// As [`construct::nothing_to_close`].
unsafe extern "C-unwind" fn to_be_closed(vm: *mut Vm) -> u64 {
    // SAFETY: the caller's contract.
    u64::from(unsafe { !construct::nothing_to_close(vm) })
}
/// # Safety
/// As [`keyed::is_absent`].
unsafe extern "C-unwind" fn is_absent(t: *mut Table, tag: u64, payload: u64, vm: *mut Vm) -> u64 {
    // SAFETY: the caller's contract.
    u64::from(unsafe { keyed::is_absent(vm, t, value(tag, payload)) })
}
/// # Safety
/// As [`keyed::find`].
unsafe extern "C-unwind" fn find(t: *mut Table, tag: u64, payload: u64, vm: *mut Vm) -> u64 {
    // SAFETY: the caller's contract.
    match unsafe { keyed::find(vm, t, value(tag, payload)) } {
        Some(v) => {
            // SAFETY: the machine is live.
            unsafe { (*vm).found[1] = v };
            1
        }
        None => 0,
    }
}

/// # Safety
/// As [`keyed::find_node`].
unsafe extern "C-unwind" fn find_node(
    t: *mut Table,
    tag: u64,
    payload: u64,
    vm: *mut Vm,
) -> *mut Node {
    // SAFETY: the caller's contract.
    unsafe { keyed::find_node(vm, t, value(tag, payload)) }
}

/// # Safety
/// As [`keyed::store`], of the value that the machine has found.
unsafe extern "C-unwind" fn store_found(t: *mut Table, tag: u64, payload: u64, vm: *mut Vm) -> u64 {
    // SAFETY: the caller's contract; the trace has just stored a live value there.
    u64::from(unsafe { keyed::store(vm, t, value(tag, payload), (*vm).found[1]) })
}

/// # Safety
/// As [`construct::next`].
unsafe extern "C-unwind" fn next(t: *const Table, tag: u64, payload: u64, vm: *mut Vm) -> u64 {
    // SAFETY: the caller's contract.
    match unsafe { construct::next(vm, t, value(tag, payload)) } {
        Some(found) => u64::from(found),
        None => 2,
    }
}
