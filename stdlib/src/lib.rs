//! The Lua 5.4 standard library, one module per library.
#![forbid(unsafe_code)]

mod buffer;
pub mod math;
pub mod string;
pub mod table;
pub mod utf8;
