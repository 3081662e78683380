//! From text to resolved tree.

use crate::ast::{Chunk, Interner};
use crate::builder::Builder;
use crate::compiler::LimitError;
use crate::diagnose::diagnose;
use crate::error::SyntaxError;
use crate::grammar::ChunkParser;
use crate::streaming::{CompileInner, Failure, MainFunction};
use crate::tokens::{Shared, Tokens};

/// Parses and resolves a chunk. A byte order mark or a first line that starts with `#` is for the
/// caller to remove.
pub fn parse(source: &[u8], chunk_name: &[u8]) -> Result<(Chunk, Interner), SyntaxError> {
    parse_streaming(source, chunk_name, None)
}

/// Parses and resolves a chunk, compiling the functions of the main function meanwhile.
pub(crate) fn parse_streaming<'h>(
    source: &[u8],
    chunk_name: &[u8],
    compile: Option<&'h mut CompileInner<'h>>,
) -> Result<(Chunk, Interner), SyntaxError> {
    parse_valid(source, compile).map_err(|limit| {
        // The parser and the diagnosis agree on what is wrong; should they ever not, it is still
        // an error, though without PUC's words for it.
        diagnose(source, chunk_name).unwrap_or_else(|| {
            let (line, message) = match &limit {
                Some(limit) => (limit.line, limit.message),
                None => (1, "syntax error"),
            };
            SyntaxError::new(chunk_name, line, message.as_bytes(), None)
        })
    })
}

/// The tree of a valid program; the error tells if a function exceeds a limit.
fn parse_valid<'h>(
    source: &[u8],
    compile: Option<&'h mut CompileInner<'h>>,
) -> Result<(Chunk, Interner), Option<LimitError>> {
    let shared = Shared::new();
    let tokens = Tokens::new(source, &shared);
    let mut builder = Builder::new(&shared, source.len(), MainFunction::new(compile));
    let parsed = ChunkParser::new().parse(&mut builder, tokens);
    if parsed.is_err() || builder.invalid {
        return Err(None);
    }
    let chunk = builder.finish().map_err(|failure| match failure {
        Failure::Limit(limit) => Some(limit),
        Failure::Scope => None,
    })?;
    Ok((chunk, shared.interner.take()))
}

#[cfg(test)]
mod tests;
