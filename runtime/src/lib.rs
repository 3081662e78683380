//! The runtime of Perilune: values, tables, strings, collector, interpreter, embedding handles.
//!
//! It knows what opcodes mean and nothing about machine code.

pub mod coroutine;
pub mod error;
pub mod frame;
pub mod function;
pub mod gc;
pub mod metatable;
pub mod native;
pub mod ops;
pub mod string;
pub mod sys;
pub mod table;
pub mod userdata;
pub mod value;
