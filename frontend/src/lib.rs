//! The frontend of Perilune: from Lua 5.4 source text to verified bytecode.
//!
//! It knows neither values nor garbage collection: text goes in, a [`bytecode::proto::Proto`] or
//! a syntax error with PUC Lua's wording comes out.
#![forbid(unsafe_code)]

pub mod ast;
mod builder;
pub mod bytecode;
mod diagnose;
pub mod error;
pub mod fold;
pub mod lexer;
pub mod number;
pub mod parser;
mod resolve;
mod tokens;

pub use parser::parse;
pub use resolve::constant_value;

lalrpop_util::lalrpop_mod!(
    #[allow(clippy::all, missing_docs, private_interfaces, unreachable_pub, unused)]
    grammar
);
