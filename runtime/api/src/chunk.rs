//! Chunks of Lua code, to be loaded and run.

use crate::{FromLuaMulti, Function, IntoLua, IntoLuaMulti, Lua, Result, Value};
use perilune_runtime::native::ChunkMode;
use std::borrow::Cow;

/// What can be loaded: source text, or a binary chunk.
pub trait AsChunk<'a> {
    /// The text, or the binary chunk.
    fn source(self) -> Cow<'a, [u8]>;
}

impl<'a> AsChunk<'a> for &'a str {
    fn source(self) -> Cow<'a, [u8]> {
        Cow::Borrowed(self.as_bytes())
    }
}
impl<'a> AsChunk<'a> for &'a String {
    fn source(self) -> Cow<'a, [u8]> {
        Cow::Borrowed(self.as_bytes())
    }
}
impl AsChunk<'static> for String {
    fn source(self) -> Cow<'static, [u8]> {
        Cow::Owned(self.into_bytes())
    }
}
impl<'a> AsChunk<'a> for &'a [u8] {
    fn source(self) -> Cow<'a, [u8]> {
        Cow::Borrowed(self)
    }
}
impl<'a, const N: usize> AsChunk<'a> for &'a [u8; N] {
    fn source(self) -> Cow<'a, [u8]> {
        Cow::Borrowed(self)
    }
}
impl<'a> AsChunk<'a> for &'a Vec<u8> {
    fn source(self) -> Cow<'a, [u8]> {
        Cow::Borrowed(self)
    }
}
impl AsChunk<'static> for Vec<u8> {
    fn source(self) -> Cow<'static, [u8]> {
        Cow::Owned(self)
    }
}

/// A chunk: text (or binary) with a name, an environment and a mode.
#[derive(Debug)]
pub struct Chunk<'a> {
    pub(crate) lua: &'a Lua,
    pub(crate) source: Cow<'a, [u8]>,
    pub(crate) name: Vec<u8>,
    pub(crate) mode: ChunkMode,
    pub(crate) environment: Result<Option<Value>>,
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
    pub fn set_environment(mut self, environment: impl IntoLua) -> Self {
        self.environment = environment.into_lua(self.lua).map(Some);
        self
    }

    /// Compiles the chunk.
    ///
    /// # Errors
    /// [`crate::Error::SyntaxError`], memory.
    pub fn into_function(self) -> Result<Function> {
        self.lua.load_function(&self)
    }

    /// Compiles and runs the chunk.
    ///
    /// # Errors
    /// As [`Chunk::into_function`], and whatever Lua error it raises.
    pub fn exec(self) -> Result<()> {
        self.call(())
    }

    /// Evaluates the chunk, as an expression if it is one.
    ///
    /// # Errors
    /// As [`Chunk::exec`], or what a conversion says.
    pub fn eval<R: FromLuaMulti>(self) -> Result<R> {
        self.into_evaluated()?.call(())
    }

    /// The function that evaluates the chunk, as an expression if it is one.
    pub(crate) fn into_evaluated(self) -> Result<Function> {
        if self.mode != ChunkMode::Binary {
            let expression = Chunk {
                source: Cow::Owned([b"return ", &*self.source].concat()),
                name: self.name.clone(),
                environment: self.environment.clone(),
                ..self
            };
            if let Ok(function) = self.lua.load_function(&expression) {
                return Ok(function);
            }
        }
        self.into_function()
    }

    /// Compiles the chunk and calls it.
    ///
    /// # Errors
    /// As [`Chunk::exec`], or what a conversion says.
    pub fn call<R: FromLuaMulti>(self, args: impl IntoLuaMulti) -> Result<R> {
        self.into_function()?.call(args)
    }
}
