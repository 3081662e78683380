//! Conversions between strings and numbers (manual §3.4.3).

use crate::string::LuaString;
use crate::value::{Value, View};
use perilune_frontend::number::{self, Number, Rounding};

/// The number that `v` is or that its text denotes.
pub fn to_number(v: Value) -> Option<Number> {
    match v.view() {
        View::Integer(i) => Some(Number::Integer(i)),
        View::Float(f) => Some(Number::Float(f)),
        // SAFETY: the string is live.
        View::String(s) => number::str_to_number(unsafe { LuaString::as_bytes(s) }),
        _ => None,
    }
}

/// The integer that `v` is, converts to exactly, or that its text denotes.
pub fn to_integer(v: Value) -> Option<i64> {
    match to_number(v)? {
        Number::Integer(i) => Some(i),
        Number::Float(f) => number::float_to_integer(f, Rounding::Exact),
    }
}

/// A number as a value.
pub fn number_value(n: Number) -> Value {
    match n {
        Number::Integer(i) => Value::integer(i),
        Number::Float(f) => Value::float(f),
    }
}

/// A number value as a [`Number`]; `None` for other values.
pub fn as_number(v: Value) -> Option<Number> {
    match v.view() {
        View::Integer(i) => Some(Number::Integer(i)),
        View::Float(f) => Some(Number::Float(f)),
        _ => None,
    }
}
