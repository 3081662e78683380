//! Chunks of Lua code, to be loaded and run.

use crate::handle::Handle;
use crate::{Error, FromLuaMulti, Function, IntoLua, IntoLuaMulti, Lua, Result, Table, Value};
use perilune_runtime::native::{self, load_chunk};
use perilune_runtime::value as raw;
use std::borrow::Cow;
use std::fmt;
use std::io;
use std::panic::Location;
use std::path::{Path, PathBuf};

/// The first byte of a binary chunk.
const BINARY_MARK: u8 = 0x1b;

/// What can be loaded: source text, or a binary chunk.
///
/// ```
/// use perilune::{Lua, Table, chunk::{AsChunk, ChunkMode}};
/// use std::{borrow::Cow, io};
///
/// struct Formula(&'static str);
/// impl AsChunk for Formula {
///     fn name(&self) -> Option<String> {
///         Some(format!("=formula {}", self.0))
///     }
///     fn environment(&self, lua: &Lua) -> perilune::Result<Option<Table>> {
///         lua.create_table_from([("pi", 3.0)]).map(Some)
///     }
///     fn mode(&self) -> Option<ChunkMode> {
///         Some(ChunkMode::Text)
///     }
///     fn source<'a>(&self) -> io::Result<Cow<'a, [u8]>> where Self: 'a {
///         Ok(Cow::Owned(format!("return {}", self.0).into_bytes()))
///     }
/// }
/// assert_eq!(Lua::new().load(Formula("2 * pi")).call::<f64>(())?, 6.0);
/// # Ok::<(), perilune::Error>(())
/// ```
pub trait AsChunk {
    /// The name, if there is one; see [`Chunk::set_name`].
    fn name(&self) -> Option<String> {
        None
    }

    /// The value of `_ENV`, if it is not the globals.
    ///
    /// # Errors
    /// Whatever making one meets.
    fn environment(&self, lua: &Lua) -> Result<Option<Table>> {
        let _ = lua;
        Ok(None)
    }

    /// What kind of chunk it must be, if it is not seen from the source.
    fn mode(&self) -> Option<ChunkMode> {
        None
    }

    /// The text, or the binary chunk.
    ///
    /// # Errors
    /// It can't be read.
    fn source<'a>(&self) -> io::Result<Cow<'a, [u8]>>
    where
        Self: 'a;
}

macro_rules! borrowed_chunks {
    ($($kind:ty)*) => {$(
        impl AsChunk for $kind {
            fn source<'a>(&self) -> io::Result<Cow<'a, [u8]>>
            where
                Self: 'a,
            {
                let bytes: &'a [u8] = (*self).as_ref();
                Ok(Cow::Borrowed(bytes))
            }
        }
    )*};
}
borrowed_chunks! { &str &String &[u8] &Vec<u8> }

impl<const N: usize> AsChunk for &[u8; N] {
    fn source<'a>(&self) -> io::Result<Cow<'a, [u8]>>
    where
        Self: 'a,
    {
        let bytes: &'a [u8] = *self;
        Ok(Cow::Borrowed(bytes))
    }
}

macro_rules! owned_chunks {
    ($($kind:ty)*) => {$(
        impl AsChunk for $kind {
            fn source<'a>(&self) -> io::Result<Cow<'a, [u8]>>
            where
                Self: 'a,
            {
                let bytes: &[u8] = self.as_ref();
                Ok(Cow::Owned(bytes.to_vec()))
            }
        }
    )*};
}
owned_chunks! { String Vec<u8> }

/// A file: named after its path, read when it is loaded.
macro_rules! files {
    ($($kind:ty)*) => {$(
        impl AsChunk for $kind {
            fn name(&self) -> Option<String> {
                Some(format!("@{}", self.display()))
            }

            fn source<'a>(&self) -> io::Result<Cow<'a, [u8]>>
            where
                Self: 'a,
            {
                std::fs::read(self).map(Cow::Owned)
            }
        }
    )*};
}
files! { &Path PathBuf }

impl<C: AsChunk + ?Sized> AsChunk for Box<C> {
    fn name(&self) -> Option<String> {
        (**self).name()
    }

    fn environment(&self, lua: &Lua) -> Result<Option<Table>> {
        (**self).environment(lua)
    }

    fn mode(&self) -> Option<ChunkMode> {
        (**self).mode()
    }

    fn source<'a>(&self) -> io::Result<Cow<'a, [u8]>>
    where
        Self: 'a,
    {
        (**self).source()
    }
}

/// What a chunk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChunkMode {
    /// Source text.
    Text,
    /// What [`Function::dump`] or `string.dump` gives.
    Binary,
}

/// A chunk: text (or binary) with a name, an environment and a mode.
#[must_use = "a chunk does nothing until it is executed, evaluated, called or made a function"]
pub struct Chunk<'a> {
    lua: Lua,
    source: io::Result<Cow<'a, [u8]>>,
    name: Cow<'static, str>,
    /// The name's exact bytes, if they are not text.
    name_bytes: Option<Vec<u8>>,
    mode: Option<ChunkMode>,
    environment: Result<Option<Table>>,
}

impl fmt::Debug for Chunk<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunk")
            .field("name", &self.name)
            .field("mode", &self.mode())
            .finish_non_exhaustive()
    }
}

impl Lua {
    /// A chunk: source text or a binary chunk, or a file with one. Its name is the place of this call,
    /// unless it is a file.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// assert_eq!(lua.load("6 * 7").eval::<i64>()?, 42);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    #[track_caller]
    pub fn load<'a>(&self, chunk: impl AsChunk + 'a) -> Chunk<'a> {
        self.load_from(chunk, Location::caller())
    }

    fn load_from<'a>(&self, chunk: impl AsChunk + 'a, place: &Location<'_>) -> Chunk<'a> {
        Chunk {
            name: Cow::Owned(chunk.name().unwrap_or_else(|| place.to_string())),
            name_bytes: None,
            environment: chunk.environment(self),
            mode: chunk.mode(),
            source: chunk.source(),
            lua: self.clone(),
        }
    }

    /// The main function of a chunk.
    fn load_function(
        &self,
        source: &[u8],
        name: &[u8],
        mode: Option<ChunkMode>,
        environment: Option<&Table>,
    ) -> Result<Function> {
        let entered = self.enter();
        let environment = match environment {
            Some(table) => Value::Table(table.clone()).to_raw(&self.state)?,
            // SAFETY: the machine lives as long as the state.
            None => raw::Value::table(unsafe { (*entered.vm()).globals }),
        };
        let mode = match mode {
            Some(ChunkMode::Text) => native::ChunkMode::Text,
            Some(ChunkMode::Binary) => native::ChunkMode::Binary,
            None => native::ChunkMode::Both,
        };
        // SAFETY: no collection happens before the closure is rooted.
        let loaded = unsafe { load_chunk(&mut *entered.vm(), source, name, mode, environment) };
        match loaded {
            Ok(Ok(closure)) => {
                let value = raw::Value::lua_closure(closure);
                Ok(Function(Handle::new(&self.state, value)))
            }
            Ok(Err(error)) => Err(Error::SyntaxError {
                message: String::from_utf8_lossy(&error.message).into_owned(),
                incomplete_input: error.incomplete,
            }),
            Err(error) => Err(self.state.describe(error).into()),
        }
    }
}

impl Chunk<'_> {
    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sets the name as messages use it: `@file`, `=name`, or the text itself.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let chunk = lua.load("error('no')").set_name("=config");
    /// assert_eq!(chunk.name(), "=config");
    /// let error = chunk.exec().unwrap_err();
    /// assert!(error.to_string().contains("config:1: no"));
    /// ```
    pub fn set_name(mut self, name: impl Into<String>) -> Self {
        self.name = Cow::Owned(name.into());
        self.name_bytes = None;
        self
    }

    /// Likewise, for a name of any bytes.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let chunk = lua.load("return 1").set_name_bytes(b"=\xff");
    /// assert_eq!(chunk.name(), "=\u{fffd}");
    /// ```
    pub fn set_name_bytes(mut self, name: impl Into<Vec<u8>>) -> Self {
        let name = name.into();
        self.name = Cow::Owned(String::from_utf8_lossy(&name).into_owned());
        self.name_bytes = Some(name);
        self
    }

    /// The value of `_ENV`, if it is not the globals.
    pub fn environment(&self) -> Option<&Table> {
        self.environment.as_ref().ok()?.as_ref()
    }

    /// Sets the value of the chunk's `_ENV`; by default the globals.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let environment = lua.create_table()?;
    /// let chunk = lua.load("x = 1").set_environment(environment.clone());
    /// assert_eq!(chunk.environment(), Some(&environment));
    /// chunk.exec()?;
    /// assert_eq!(environment.get::<i64>("x")?, 1);
    /// assert!(!lua.globals().contains_key("x")?);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn set_environment(mut self, environment: Table) -> Self {
        self.environment = Ok(Some(environment));
        self
    }

    /// What kind of chunk it is.
    pub fn mode(&self) -> ChunkMode {
        self.mode.unwrap_or(match &self.source {
            Ok(source) if source.first() == Some(&BINARY_MARK) => ChunkMode::Binary,
            _ => ChunkMode::Text,
        })
    }

    /// Sets what kind of chunk is accepted; by default either. Binary chunks are verified when they are
    /// loaded, whatever bytes they are.
    ///
    /// ```
    /// use perilune::chunk::ChunkMode;
    /// let lua = perilune::Lua::new();
    /// let binary = lua.load("return 1").into_function()?.dump(false);
    /// assert_eq!(lua.load(&binary).mode(), ChunkMode::Binary);
    /// assert!(lua.load(&binary).set_mode(ChunkMode::Text).exec().is_err());
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn set_mode(mut self, mode: ChunkMode) -> Self {
        self.mode = Some(mode);
        self
    }

    /// Compiles the chunk.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let double = lua.load("return 2 * ...").into_function()?;
    /// assert_eq!(double.call::<i64>(21)?, 42);
    /// assert!(lua.load("return return").into_function().is_err());
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::SyntaxError`], memory; a file that can't be read.
    pub fn into_function(self) -> Result<Function> {
        let Chunk {
            source,
            environment,
            ..
        } = &self;
        let source = source.as_ref().map_err(unreadable)?;
        let environment = environment.as_ref().map_err(Error::clone)?.as_ref();
        self.lua
            .load_function(source, self.exact_name(), self.mode, environment)
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
        match self.expression() {
            Some(Ok(function)) => Ok(function),
            // The text is no expression.
            Some(Err(Error::SyntaxError { .. })) | None => self.into_function(),
            Some(Err(error)) => Err(error),
        }
    }

    /// Compiles the chunk and calls it.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// assert_eq!(lua.load("local a, b = ... return b, a").call::<(i64, i64)>((1, 2))?, (2, 1));
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Chunk::exec`], or what a conversion says.
    pub fn call<R: FromLuaMulti>(self, args: impl IntoLuaMulti) -> Result<R> {
        self.into_function()?.call(args)
    }

    /// The chunk as a function that gives its value, if it can be the text of an expression.
    fn expression(&self) -> Option<Result<Function>> {
        if self.mode() != ChunkMode::Text {
            return None;
        }
        let source = [b"return ", &**self.source.as_ref().ok()?].concat();
        let environment = self.environment.as_ref().ok()?.as_ref();
        let name = self.exact_name();
        Some(
            self.lua
                .load_function(&source, name, self.mode, environment),
        )
    }

    fn exact_name(&self) -> &[u8] {
        self.name_bytes
            .as_deref()
            .unwrap_or_else(|| self.name.as_bytes())
    }

    /// A chunk that becomes a function where that is wanted.
    ///
    /// ```
    /// use perilune::{Chunk, Lua};
    /// let lua = Lua::new();
    /// lua.globals().set("six", Chunk::wrap("return 6"))?;
    /// assert_eq!(lua.load("six() * 7").eval::<i64>()?, 42);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    #[track_caller]
    pub fn wrap(chunk: impl AsChunk) -> impl IntoLua {
        Wrapped {
            chunk,
            place: Location::caller(),
        }
    }
}

/// A file's error, as one of ours.
fn unreadable(error: &io::Error) -> Error {
    Error::external(io::Error::new(error.kind(), error.to_string()))
}

struct Wrapped<C> {
    chunk: C,
    place: &'static Location<'static>,
}

impl<C: AsChunk> IntoLua for Wrapped<C> {
    fn into_lua(self, lua: &Lua) -> Result<Value> {
        lua.load_from(self.chunk, self.place)
            .into_function()
            .map(Value::Function)
    }
}
