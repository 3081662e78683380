//! Metamethod events (manual §2.4) and metatables of values.
//!
//! Invariant: the first eight events are "fast": a table's `header.flags` bit `event as u8` caches
//! that the table, used as a metatable, has no such field.

use crate::table::Table;
use crate::value::{self, Value};
use crate::vm::Vm;

macro_rules! events {
    ($($name:ident = $text:literal;)*) => {
        /// A metamethod event.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum Event { $(#[doc = $text] $name),* }

        impl Event {
            /// All events; an event's number is its index.
            pub const ALL: &'static [Event] = &[$(Event::$name),*];
            /// The field's name in a metatable.
            pub const fn name(self) -> &'static str { match self { $(Event::$name => $text),* } }
        }
    };
}
events! {
    Index = "__index";
    NewIndex = "__newindex";
    Gc = "__gc";
    Mode = "__mode";
    Len = "__len";
    Eq = "__eq";
    Call = "__call";
    Close = "__close";
    Add = "__add";
    Sub = "__sub";
    Mul = "__mul";
    Mod = "__mod";
    Pow = "__pow";
    Div = "__div";
    IDiv = "__idiv";
    BAnd = "__band";
    BOr = "__bor";
    BXor = "__bxor";
    Shl = "__shl";
    Shr = "__shr";
    Unm = "__unm";
    BNot = "__bnot";
    Lt = "__lt";
    Le = "__le";
    Concat = "__concat";
    ToString = "__tostring";
    Name = "__name";
    Pairs = "__pairs";
    Metatable = "__metatable";
}

/// The index of `v`'s basic type in `Vm::type_metatables`.
pub fn type_index(v: Value) -> usize {
    match v.tag {
        value::NIL => 0,
        value::FALSE | value::TRUE => 1,
        value::INTEGER | value::FLOAT => 2,
        value::STRING => STRING_TYPE,
        value::LUA_CLOSURE | value::NATIVE_CLOSURE => 4,
        value::THREAD => 5,
        value::LIGHT_USERDATA => 6,
        _ => 7,
    }
}

/// The metatable of `v`; null when it has none.
///
/// # Safety
/// `v` is live.
pub unsafe fn metatable_of(vm: &Vm, v: Value) -> *mut Table {
    // SAFETY: the caller's contract.
    unsafe {
        match v.view() {
            value::View::Table(t) => Table::metatable(&vm.heap, t),
            value::View::Userdata(u) => (*u).metatable,
            _ => vm.type_metatables[type_index(v)],
        }
    }
}

/// Sets the metatable of `v`'s basic type.
pub fn set_type_metatable(vm: &mut Vm, v: Value, metatable: *mut Table) {
    vm.type_metatables[type_index(v)] = metatable;
}

/// The metamethod of `v` for `event`, or nil.
///
/// # Safety
/// `v` is live.
#[inline]
pub unsafe fn metamethod(vm: &Vm, v: Value, event: Event) -> Value {
    // SAFETY: the caller's contract.
    unsafe {
        let metatable = metatable_of(vm, v);
        if metatable.is_null() {
            return Value::NIL;
        }
        Table::event(&vm.heap, metatable, event)
    }
}

/// How many events have a bit in the absent-event cache.
pub const FAST_EVENTS: u8 = 8;

/// The index of the metatable of strings.
pub const STRING_TYPE: usize = 3;

/// How many basic types may have a metatable of their own.
pub const TYPE_METATABLES: usize = 8;
