//! Making a state: its libraries and its tracing compiler.

use crate::{Error, Lua, LuaOptions, Options, Result, StdLib};
use perilune_runtime::vm::Vm;

impl Lua {
    /// A state with all libraries open.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// lua.load("x = 6 * 7").exec()?;
    /// assert_eq!(lua.globals().get::<i64>("x")?, 42);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Panics
    /// When the system has no memory for a state; [`Lua::with_options`] gives an error then.
    #[expect(
        clippy::new_without_default,
        reason = "making a state is work that a reader should see"
    )]
    pub fn new() -> Lua {
        match Lua::with_options(&Options::new()) {
            Ok(lua) => lua,
            Err(error) => panic!("a Lua state can't be made: {error}"),
        }
    }

    /// A state with all libraries open, set up as `options` say.
    ///
    /// ```
    /// use perilune::{Lua, Options};
    /// let options = Options::new().with_mode("off").expect("a mode"); // never compiles
    /// let lua = Lua::with_options(&options)?;
    /// assert_eq!(lua.load("6 * 7").eval::<i64>()?, 42);
    /// assert!(lua.trace_statistics(false).is_none());
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::MemoryError`] when the allocator fails.
    pub fn with_options(options: &Options) -> Result<Lua> {
        let lua = Lua::without_libraries()?;
        lua.fail_nth_allocation(options.failing_allocation);
        if !options.reads_environment {
            lua.set_named_registry_value("LUA_NOENV", true)?;
        }
        lua.with_call(perilune_stdlib::open_base)?;
        lua.load_std_libs(options.libraries)?;
        let warnings = perilune_stdlib::base::Warnings::Off;
        lua.set_warning_writer(perilune_stdlib::base::standard_warnings(warnings));
        lua.set_gc_stress(options.gc_stress);
        if options.chunks.is_wanted() {
            let (chunks, report) = (options.chunks, options.report.clone());
            lua.set_chunk_observer(Box::new(move |source, name, proto| {
                chunks.tell(&report, source, name, proto);
            }));
        }
        lua.set_lua_options(&options.lua);
        #[cfg(feature = "jit")]
        if options.jit {
            lua.install_tracer(options);
        }
        Ok(lua)
    }

    /// A state with these libraries open, besides the basic functions.
    ///
    /// ```
    /// use perilune::{Lua, LuaOptions, StdLib};
    /// let lua = Lua::new_with(StdLib::STRING | StdLib::TABLE, LuaOptions::default())?;
    /// assert!(lua.load("return io == nil and string.rep ~= nil").eval::<bool>()?);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::MemoryError`] when the allocator fails.
    pub fn new_with(libraries: StdLib, options: LuaOptions) -> Result<Lua> {
        Lua::with_options(&Options::new().libraries(libraries).lua_options(options))
    }

    /// As [`Lua::new`]: nothing that can be loaded is unsafe here.
    ///
    /// ```
    /// use perilune::{Lua, LuaOptions, StdLib};
    /// // SAFETY: none is asked for.
    /// let lua = unsafe { Lua::unsafe_new() };
    /// assert!(lua.load("debug ~= nil").eval::<bool>()?);
    /// // SAFETY: likewise.
    /// let lua = unsafe { Lua::unsafe_new_with(StdLib::MATH, LuaOptions::new()) };
    /// assert!(lua.load("debug == nil").eval::<bool>()?);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Safety
    /// None is asked for; it is unsafe in mlua.
    ///
    /// # Panics
    /// As [`Lua::new`].
    pub unsafe fn unsafe_new() -> Lua {
        Lua::new()
    }

    /// As [`Lua::new_with`]: nothing that can be loaded is unsafe here.
    ///
    /// # Safety
    /// None is asked for; it is unsafe in mlua.
    ///
    /// # Panics
    /// When the system has no memory for a state.
    pub unsafe fn unsafe_new_with(libraries: StdLib, options: LuaOptions) -> Lua {
        match Lua::new_with(libraries, options) {
            Ok(lua) => lua,
            Err(error) => panic!("a Lua state can't be made: {error}"),
        }
    }

    /// A state without libraries or tracing compiler.
    ///
    /// ```
    /// let lua = perilune::Lua::without_libraries()?;
    /// assert!(lua.load("print == nil").eval::<bool>()?);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::MemoryError`] when the allocator fails.
    pub fn without_libraries() -> Result<Lua> {
        match Vm::new() {
            Ok(vm) => Ok(Lua::with_machine(vm)),
            Err(_) => Err(Error::memory()),
        }
    }

    /// Gives a state that has none a tracing compiler.
    #[cfg(feature = "jit")]
    fn install_tracer(&self, options: &Options) {
        let entered = self.enter();
        let mut tracing = options.tracing.clone();
        tracing.report = options.report.clone();
        let engine = perilune_tracejit::Engine::new(tracing);
        // SAFETY: the state is live, nothing of it runs, and it looks at both fields anew at its
        // next back-edge. What traces do is what the opcodes' own functions did when they were
        // recorded (`TraceHook`'s contract).
        unsafe {
            let vm = entered.vm();
            (*vm).hot_limit = engine.hot_limit();
            (*vm).tracer = Some(engine);
        }
    }
}
