//! The runtime of Perilune: values, tables, strings, collector, interpreter.
//!
//! It knows what opcodes mean and nothing about machine code.

pub mod call;
mod close;
pub mod collect;
pub mod construct;
pub mod convert;
pub mod coroutine;
pub mod debug;
pub mod error;
pub mod frame;
pub mod from_rust;
pub mod function;
pub mod gc;
pub mod hook;
pub mod hot;
pub mod interp;
pub mod interrupt;
pub mod keyed;
pub mod layout;
pub mod limit;
pub mod machine;
pub mod metatable;
pub mod native;
pub mod ops;
pub mod owned;
pub mod protect;
pub mod report;
pub mod signal;
pub mod stack;
pub mod string;
mod switch;
pub mod sys;
pub mod table;
pub mod userdata;
pub mod value;
pub mod vm;
pub mod warn;
pub mod watch;
