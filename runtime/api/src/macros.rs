//! What macros expand to: see the crate `perilune-derive`. Nothing here is meant to be written by hand.

use crate::{AsChunk, ChunkMode, Lua, Result, Table};
use std::borrow::Cow;
use std::cell::Cell;
use std::io;

pub use inventory;
pub use perilune_derive::chunk as captured_chunk_of;

/// Lua source as Rust tokens, for [`Lua::load`]. `$name` is the value of a Rust variable, which the chunk
/// takes over.
///
/// The source is what Rust can split into tokens: strings are in double quotes, and comments are Rust's.
/// Lines count from the first one that has a token.
///
/// ```
/// use perilune::{Lua, chunk};
/// # fn main() -> perilune::Result<()> {
/// let (lua, name) = (Lua::new(), "moon");
/// let greeting: String = lua
///     .load(chunk! {
///         local greeting = "Hello, "
///         return greeting .. $name
///     })
///     .eval()?;
/// assert_eq!(greeting, "Hello, moon");
/// # Ok(())
/// # }
/// ```
#[macro_export]
macro_rules! chunk {
    ($($source:tt)*) => {
        $crate::__private::captured_chunk_of! { $crate $($source)* }
    };
}

/// A chunk with the variables that it has captured.
struct CapturedChunk<F> {
    source: &'static str,
    environment: Cell<Option<F>>,
}

impl<F: FnOnce(&Lua) -> Result<Table>> AsChunk for CapturedChunk<F> {
    fn environment(&self, lua: &Lua) -> Result<Option<Table>> {
        self.environment.take().map(|make| make(lua)).transpose()
    }

    fn mode(&self) -> Option<ChunkMode> {
        Some(ChunkMode::Text)
    }

    fn source<'a>(&self) -> io::Result<Cow<'a, [u8]>>
    where
        Self: 'a,
    {
        Ok(Cow::Borrowed(self.source.as_bytes()))
    }
}

/// A chunk whose environment `environment` makes; without one, the globals are its environment.
pub fn captured_chunk<F: FnOnce(&Lua) -> Result<Table>>(
    source: &'static str,
    environment: Option<F>,
) -> impl AsChunk {
    CapturedChunk {
        source,
        environment: Cell::new(environment),
    }
}

/// The environment of a chunk that captures nothing.
pub const NO_CAPTURES: Option<fn(&Lua) -> Result<Table>> = None;

/// An environment for captured variables, behind which the globals are.
///
/// # Errors
/// Memory.
pub fn environment(lua: &Lua) -> Result<Table> {
    let (globals, environment, metatable) =
        (lua.globals(), lua.create_table()?, lua.create_table()?);
    metatable.raw_set("__index", &globals)?;
    metatable.raw_set("__newindex", &globals)?;
    environment.set_metatable(Some(metatable))?;
    Ok(environment)
}
