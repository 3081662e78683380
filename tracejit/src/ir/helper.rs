//! Functions of the runtime that traces call: they never raise, collect or run Lua code.

use super::op::Type;
use perilune_frontend::number;
use perilune_runtime::table::Table;
use perilune_runtime::value::Value;

/// What a helper's result depends on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HelperEffect {
    /// Its operands alone.
    Pure,
    /// Tables: their shape, header, record slots and elements.
    ReadsTables,
    /// Changes the table that is its first operand (any part of it).
    WritesTable,
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
