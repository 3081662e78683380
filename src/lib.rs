//! Perilune: Lua 5.4 in Rust.
//!
//! The facade: the only interface that is kept stable.

mod options;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod program;

pub use options::{Options, UnknownMode};
/// The state as callbacks and conversions see it.
pub use perilune_runtime::api::Lua as State;
pub use perilune_runtime::api::{
    AsChunk, Chunk, Error, ErrorContext, ExternalError, ExternalResult, FromLua, FromLuaMulti,
    Function, InterruptHandle, IntoLua, IntoLuaMulti, LuaString, MultiValue, Raised, Result,
    SignalInterrupt, Table, TablePairs, TableSequence, Thread, UserData, Value, Variadic,
};
pub use perilune_runtime::native::ChunkMode;

/// A Lua state with the standard library.
///
/// ```
/// let lua = perilune::Lua::new()?;
/// lua.load("x = 6 * 7").exec()?;
/// assert_eq!(lua.globals().get::<i64>("x")?, 42);
/// # Ok::<(), perilune::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Lua(perilune_runtime::api::Lua);

impl Lua {
    /// A state with all libraries open.
    ///
    /// # Errors
    /// [`Error::MemoryError`] when the allocator fails.
    pub fn new() -> Result<Lua> {
        Lua::with_options(&Options::new())
    }

    /// A state with all libraries open, set up as `options` say.
    ///
    /// # Errors
    /// [`Error::MemoryError`] when the allocator fails.
    pub fn with_options(options: &Options) -> Result<Lua> {
        let lua = perilune_runtime::api::Lua::without_libraries()?;
        lua.fail_nth_allocation(options.failing_allocation);
        if !options.reads_environment {
            lua.set_named_registry_value("LUA_NOENV", true)?;
        }
        lua.with_call(perilune_stdlib::open_all)?;
        let warnings = perilune_stdlib::base::Warnings::Off;
        lua.set_warning_function(perilune_stdlib::base::standard_warnings(warnings));
        lua.set_gc_stress(options.gc_stress);
        if options.chunks.is_wanted() {
            let (chunks, report) = (options.chunks, options.report.clone());
            lua.set_chunk_observer(Box::new(move |source, name, proto| {
                chunks.tell(&report, source, name, proto);
            }));
        }
        #[cfg(feature = "jit")]
        if options.jit {
            let mut tracing = options.tracing.clone();
            tracing.report = options.report.clone();
            perilune_tracejit::install(tracing, &lua);
        }
        Ok(Lua(lua))
    }

    /// Runs all finalisers, as dropping the last handle does, and leaves the memory to the end of
    /// the process.
    pub fn finish(self) {
        self.0.finish();
    }
}

impl std::ops::Deref for Lua {
    type Target = perilune_runtime::api::Lua;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// The README's example is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
