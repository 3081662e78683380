//! The frontend of Perilune: from Lua 5.4 source text to verified bytecode.
//!
//! It knows neither values nor garbage collection: text goes in, a [`bytecode::proto::Proto`] or
//! a syntax error with PUC Lua's wording comes out.
#![forbid(unsafe_code)]

pub mod ast;
pub mod bytecode;
pub mod fold;
pub mod number;
mod compiler;
