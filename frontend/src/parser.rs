//! From text to resolved tree.

use crate::ast::{Chunk, Function, Interner, ResolvedInfo};
use crate::builder::Builder;
use crate::diagnose::diagnose;
use crate::error::SyntaxError;
use crate::grammar::ChunkParser;
use crate::resolve::resolve;
use crate::tokens::{Shared, Tokens};

/// Parses and resolves a chunk. A byte order mark or a first line that starts with `#` is for the
/// caller to remove.
pub fn parse(source: &[u8], chunk_name: &[u8]) -> Result<(Chunk, Interner), SyntaxError> {
    parse_valid(source).ok_or_else(|| {
        // The parser and the diagnosis agree on what is wrong; should they ever not, it is still
        // an error, though without PUC's words for it.
        diagnose(source, chunk_name)
            .unwrap_or_else(|| SyntaxError::new(chunk_name, 1, b"syntax error", None))
    })
}

/// The tree of a valid program.
fn parse_valid(source: &[u8]) -> Option<(Chunk, Interner)> {
    let shared = Shared::new();
    let mut tokens = Tokens::new(source, &shared);
    let mut builder = Builder::new(&shared);
    ChunkParser::new().parse(&mut builder, &mut tokens).ok()?;
    if builder.invalid {
        return None;
    }
    let mut chunk = Chunk {
        main: Function {
            params: Vec::new(),
            is_vararg: true,
            body: builder.block(),
            line: 0,
            end_line: 0,
            info: ResolvedInfo::default(),
        },
        constants: Vec::new(),
    };
    resolve(&mut chunk).ok()?;
    Some((chunk, tokens.into_interner()))
}

#[cfg(test)]
mod tests;
