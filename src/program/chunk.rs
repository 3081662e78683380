//! Chunks that are compiled but not run: what a compiler as a program deals in.

use perilune_frontend::bytecode::dump::dump;
use perilune_frontend::bytecode::list::list;
use perilune_frontend::bytecode::proto::{LineTable, Proto, Upvalue};
use perilune_frontend::bytecode::undump::undump;
use perilune_frontend::compile;
use perilune_stdlib::base::program::read_source;

/// The first byte of a binary chunk.
const BINARY_MARK: u8 = 0x1b;

/// A compiled chunk.
#[derive(Debug)]
pub struct CompiledChunk(Proto);

impl CompiledChunk {
    /// Compiles a file, or standard input where there is no name. What is compiled already is read.
    ///
    /// # Errors
    /// The message of a file that can't be read, a syntax error, or a bad binary chunk.
    pub fn from_file(path: Option<&[u8]>) -> Result<CompiledChunk, Vec<u8>> {
        let (text, name) = read_source(path)?;
        let compiled = if text.first() == Some(&BINARY_MARK) {
            undump(&text, &name).map_err(|error| error.message)
        } else {
            compile(&text, &name).map_err(|error| error.message)
        };
        compiled.map(CompiledChunk)
    }

    /// A chunk that calls each of `chunks` in turn; a single one is left as it is.
    ///
    /// # Errors
    /// The message when they are too many for a function.
    pub fn combine(mut chunks: Vec<CompiledChunk>, name: &[u8]) -> Result<CompiledChunk, Vec<u8>> {
        if chunks.len() == 1
            && let Some(chunk) = chunks.pop()
        {
            return Ok(chunk);
        }
        let calls = "(function()end)();".repeat(chunks.len());
        let mut main = compile(calls.as_bytes(), name).map_err(|error| error.message)?;
        main.lines = LineTable::default();
        // Chunks share their `_ENV`, so an assignment in any of them is one in all.
        let environment_is_constant = chunks
            .iter()
            .all(|chunk| chunk.0.upvalues.iter().all(|upvalue| upvalue.is_constant));
        for (place, mut chunk) in main.protos.iter_mut().zip(chunks) {
            for upvalue in chunk.0.upvalues.iter_mut().take(1) {
                upvalue.in_stack = false;
                upvalue.index = 0;
            }
            **place = chunk.0;
        }
        if !environment_is_constant {
            forget_constancy(&mut main, 0);
        }
        Ok(CompiledChunk(main))
    }

    /// A readable listing; `full` adds constants, local variables and upvalues.
    pub fn listing(&self, full: bool) -> String {
        list(&self.0, full)
    }

    /// The binary form, without debug information where `strip` says so.
    pub fn binary(&self, strip: bool) -> Vec<u8> {
        dump(&self.0, strip)
    }
}

/// Notes, in a function and those inside it, that its upvalue `index` may be assigned.
fn forget_constancy(proto: &mut Proto, index: usize) {
    if let Some(upvalue) = proto.upvalues.get_mut(index) {
        upvalue.is_constant = false;
    }
    for inner in &mut proto.protos {
        let shared = |upvalue: &Upvalue| !upvalue.in_stack && usize::from(upvalue.index) == index;
        if let Some(inner_index) = inner.upvalues.iter().position(shared) {
            forget_constancy(inner, inner_index);
        }
    }
}
