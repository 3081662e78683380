//! Perilune: Lua 5.4 in Rust.
//!
//! The facade: the only interface that is kept stable.

pub use perilune_runtime::api::{
    Chunk, Error, Function, InterruptHandle, IntoLua, LuaString, Raised, Result, SignalInterrupt,
    Table, Thread, UserData, Value,
};
pub use perilune_runtime::native::ChunkMode;

/// A Lua state with the standard library.
///
/// ```
/// let lua = perilune::Lua::new()?;
/// lua.load(b"x = 6 * 7").exec()?;
/// assert!(matches!(lua.globals().raw_get_field(b"x")?, perilune::Value::Integer(42)));
/// # Ok::<(), perilune::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Lua(perilune_runtime::api::Lua);

/// How a state is set up.
#[derive(Clone, Debug, Default)]
pub struct LuaOptions {
    /// Libraries do not read environment variables (`LUA_PATH`, `LUA_CPATH`).
    pub ignore_environment: bool,
}

impl Lua {
    /// A state with all libraries open.
    ///
    /// # Errors
    /// [`Error::MemoryError`] when the allocator fails.
    pub fn new() -> Result<Lua> {
        Lua::new_with(&LuaOptions::default())
    }

    /// A state with all libraries open, set up as `options` say.
    ///
    /// # Errors
    /// [`Error::MemoryError`] when the allocator fails.
    pub fn new_with(options: &LuaOptions) -> Result<Lua> {
        let lua = perilune_runtime::api::Lua::without_libraries()?;
        if options.ignore_environment {
            lua.set_registry_field(b"LUA_NOENV", &Value::Boolean(true))?;
        }
        lua.with_call(perilune_stdlib::open_all)?;
        Ok(Lua(lua))
    }
}

impl std::ops::Deref for Lua {
    type Target = perilune_runtime::api::Lua;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// What the stand-alone interpreter shares with the libraries.
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod host {
    pub use perilune_runtime::sys;
    pub use perilune_stdlib::base::{Warnings, standard_warnings};
    pub use perilune_stdlib::io::standard::{
        flush_all, stdin_read_line, stdout_flush, stdout_write,
    };
}
