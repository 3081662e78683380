//! Chunks of Lua code, to be loaded and run.

use super::{Function, Lua, Result, Value};
use crate::native::ChunkMode;

/// A chunk: text (or binary) with a name, an environment and a mode.
#[derive(Debug)]
pub struct Chunk<'a> {
    pub(crate) lua: &'a Lua,
    pub(crate) source: &'a [u8],
    pub(crate) name: Vec<u8>,
    pub(crate) mode: ChunkMode,
    pub(crate) environment: Option<Value>,
}

impl Chunk<'_> {
    /// Sets the name as messages use it: `@file`, `=name`, or the text itself.
    #[must_use]
    pub fn set_name(mut self, name: impl AsRef<[u8]>) -> Self {
        self.name = name.as_ref().to_vec();
        self
    }

    /// Sets what kind of chunk is accepted; by default text only.
    #[must_use]
    pub fn set_mode(mut self, mode: ChunkMode) -> Self {
        self.mode = mode;
        self
    }

    /// Sets the value of the chunk's `_ENV`; by default the globals.
    #[must_use]
    pub fn set_environment(mut self, environment: Value) -> Self {
        self.environment = Some(environment);
        self
    }

    /// Compiles the chunk.
    ///
    /// # Errors
    /// [`super::Error::SyntaxError`], memory.
    pub fn into_function(self) -> Result<Function> {
        self.lua.load_function(&self)
    }

    /// Compiles and runs the chunk.
    ///
    /// # Errors
    /// As [`Chunk::into_function`], and whatever Lua error it raises.
    pub fn exec(self) -> Result<()> {
        self.into_function()?.call(&[]).map(|_| ())
    }

    /// Evaluates the chunk, as an expression if it is one; answers its results.
    ///
    /// # Errors
    /// As [`Chunk::exec`].
    pub fn eval(self) -> Result<Vec<Value>> {
        let expression = [b"return ", self.source].concat();
        let as_expression = Chunk {
            source: &expression,
            name: self.name.clone(),
            environment: self.environment.clone(),
            ..self
        };
        let function = match self.lua.load_function(&as_expression) {
            Ok(function) => function,
            Err(_) => self.into_function()?,
        };
        function.call(&[])
    }
}
