//! The frontend of Perilune: from Lua 5.4 source text to verified bytecode.
//!
//! It knows neither values nor garbage collection: text goes in, a [`bytecode::proto::Proto`] or
//! a syntax error with PUC Lua's wording comes out.
#![forbid(unsafe_code)]

pub mod ast;
mod builder;
pub mod bytecode;
mod compiler;
mod diagnose;
pub mod error;
pub mod fold;
pub mod interner;
pub mod lexer;
pub mod number;
pub mod parser;
mod resolve;
pub mod show;
mod streaming;
mod tokens;
pub mod tree;

pub use diagnose::is_wrong_already;
pub use parser::parse;

use ast::{Function, Interner, Tree};
use bytecode::proto::Proto;
use error::SyntaxError;
use std::rc::Rc;

/// Compiles a chunk; `chunk_name` is as for `load` (`@file`, `=name` or the text itself).
pub fn compile(source: &[u8], chunk_name: &[u8]) -> Result<Proto, SyntaxError> {
    let name: Rc<[u8]> = chunk_name.into();
    let mut buffers = compiler::BufferPool::default();
    let mut compile_inner =
        |function: &Function, tree: &Tree, interner: &Interner, constants: &[_]| {
            compiler::compile_inner(function, tree, interner, constants, &name, &mut buffers)
        };
    let (chunk, interner) = parser::parse_streaming(source, chunk_name, Some(&mut compile_inner))?;
    let proto = compiler::compile_chunk(&chunk, &interner, chunk_name).map_err(|limit| {
        SyntaxError::new(chunk_name, limit.line, limit.message.as_bytes(), None)
    })?;
    debug_assert_eq!(
        bytecode::verify::verify(&proto),
        Ok(()),
        "compiled code verifies"
    );
    Ok(proto)
}

lalrpop_util::lalrpop_mod!(
    #[allow(clippy::all, missing_docs, private_interfaces, unreachable_pub, unused)]
    grammar
);
