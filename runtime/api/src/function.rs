//! Functions from Rust: calls, binary chunks.

use crate::handle::Handle;
use crate::{Error, FromLuaMulti, IntoLuaMulti, Raised, Result, Table, Value};
use perilune_runtime::debug::{info, locals};
use perilune_runtime::value as raw;
use std::ffi::c_void;

#[cfg(feature = "async")]
pub use crate::future::AsyncCallFuture;
pub use crate::handle::Function;
#[cfg(feature = "async")]
pub use crate::native_fn::LuaNativeAsyncFn;
pub use crate::native_fn::{LuaNativeFn, LuaNativeFnMut};

impl Function {
    /// Calls the function.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let add: perilune::Function = lua.load("function(a, b) return a + b end").eval()?;
    /// assert_eq!(add.call::<i64>((1, 2))?, 3);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// Whatever Lua error the call raises, or what a conversion says.
    ///
    /// # Panics
    /// When a callback panicked, and no Lua code caught that: the panic goes on here.
    pub fn call<R: FromLuaMulti>(&self, args: impl IntoLuaMulti) -> Result<R> {
        let lua = self.0.lua()?;
        lua.call_value(self.0.raw(), args)
    }

    /// Likewise, with the error's object and exact bytes.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let fail = lua.load("error({code = 7})").into_function()?;
    /// let raised = fail.call_raw(&[], false).unwrap_err();
    /// let code: i64 = raised.object.as_table().map_or(Ok(0), |object| object.get("code"))?;
    /// assert_eq!(code, 7);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// Whatever Lua error the call raises; with its traceback if `traceback`.
    pub fn call_raw(
        &self,
        args: &[Value],
        traceback: bool,
    ) -> std::result::Result<Vec<Value>, Raised> {
        let lua = self.0.lua()?;
        lua.state.call(self.0.raw(), args, traceback)
    }

    /// The function as a binary chunk, without names and lines if `strip`. Nothing for a native
    /// function.
    ///
    /// ```
    /// use perilune::chunk::ChunkMode;
    /// let lua = perilune::Lua::new();
    /// let binary = lua.load("return 6 * 7").into_function()?.dump(true);
    /// assert_eq!(lua.load(&binary).set_mode(ChunkMode::Binary).call::<i64>(())?, 42);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn dump(&self, strip: bool) -> Vec<u8> {
        match self.0.lua() {
            Ok(lua) => lua.state.dump(self.0.raw(), strip).unwrap_or_default(),
            Err(_) => Vec::new(),
        }
    }

    /// The function's address, for comparing and debugging.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let (f, g): (perilune::Function, perilune::Function) = lua.load("print, print").eval()?;
    /// assert_eq!(f.to_pointer(), g.to_pointer());
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn to_pointer(&self) -> *const c_void {
        self.0.to_pointer()
    }
}

/// What is known about a function.
///
/// ```
/// use perilune::function::FunctionInfo;
/// let lua = perilune::Lua::new();
/// let f: perilune::Function = lua.load("function(a, b, ...) return a end").eval()?;
/// let FunctionInfo { what, num_params, is_vararg, .. } = f.info();
/// assert_eq!((what, num_params, is_vararg), ("Lua", 2, true));
/// # Ok::<(), perilune::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FunctionInfo {
    /// A name; none is known of a function that is not being called.
    pub name: Option<String>,
    /// What kind of name that is.
    pub name_what: Option<&'static str>,
    /// `Lua`, `C` for a native function, `main` for that of a chunk.
    pub what: &'static str,
    /// The chunk's name as it was given.
    pub source: Option<String>,
    /// The chunk's name as messages show it.
    pub short_src: Option<String>,
    /// The line of `function`.
    pub line_defined: Option<usize>,
    /// The line of `end`.
    pub last_line_defined: Option<usize>,
    /// How many upvalues it has.
    pub num_upvalues: u8,
    /// How many named parameters it has.
    pub num_params: u8,
    /// Whether it takes any number of arguments.
    pub is_vararg: bool,
}

/// Where the globals of a function are found.
const ENVIRONMENT: &[u8] = b"_ENV";

impl Function {
    /// What is known about the function.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let function = lua.load("local a, b = ... return a").set_name("=text").into_function()?;
    /// let info = function.info();
    /// assert_eq!((info.what, info.short_src.as_deref()), ("main", Some("text")));
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn info(&self) -> FunctionInfo {
        let Ok(_lua) = self.0.lua() else {
            return FunctionInfo {
                name: None,
                name_what: None,
                what: "C",
                source: None,
                short_src: None,
                line_defined: None,
                last_line_defined: None,
                num_upvalues: 0,
                num_params: 0,
                is_vararg: true,
            };
        };
        // SAFETY: the handle keeps the function alive.
        let info = unsafe { info::function_info(self.0.raw()) };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        FunctionInfo {
            name: None,
            name_what: None,
            what: info.what,
            source: Some(text(&info.source)),
            short_src: Some(text(&info.short_source)),
            line_defined: usize::try_from(info.line_defined).ok(),
            last_line_defined: usize::try_from(info.last_line_defined).ok(),
            num_upvalues: info.upvalue_count as u8,
            num_params: info.parameter_count,
            is_vararg: info.is_vararg,
        }
    }

    /// The upvalue that is the function's `_ENV`: its number and value.
    fn environment_upvalue(&self) -> Option<(i64, raw::Value)> {
        let is_lua = self.0.raw().tag == raw::LUA_CLOSURE;
        (1..=255).take_while(|_| is_lua).find_map(|n| {
            // SAFETY: the handle keeps the function alive.
            let (name, value) = unsafe { locals::upvalue(self.0.raw(), n) }?;
            (name == ENVIRONMENT).then_some((n, value))
        })
    }

    /// The table in which the function finds globals; `None` for a native function, and for one that
    /// uses none.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let function = lua.load("return x").into_function()?;
    /// assert_eq!(function.environment(), Some(lua.globals()));
    /// let print: perilune::Function = lua.globals().get("print")?;
    /// assert_eq!(print.environment(), None);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn environment(&self) -> Option<Table> {
        let lua = self.0.lua().ok()?;
        let (_, value) = self.environment_upvalue()?;
        match Value::from_raw(&lua.state, value) {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    /// Sets the table in which the function finds globals, and no other function with it. Answers
    /// whether it uses any.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let function = lua.load("return x").into_function()?;
    /// assert!(function.set_environment(lua.create_table_from([("x", 7)])?)?);
    /// assert_eq!(function.call::<i64>(())?, 7);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// Memory; a table of another state.
    pub fn set_environment(&self, environment: Table) -> Result<bool> {
        let lua = self.0.lua()?;
        let Some((n, _)) = self.environment_upvalue() else {
            return Ok(false);
        };
        // A function of its own has the new table as its upvalue, in which this one is to share.
        let other = lua
            .load("return _ENV")
            .set_environment(environment)
            .into_function()?;
        // SAFETY: both functions are alive, and have these upvalues.
        unsafe { locals::join_upvalues(lua.vm(), self.0.raw(), n, other.0.raw(), 1) };
        Ok(true)
    }

    /// A function with the same code and its own copies of the upvalues. A native function is its own
    /// clone.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let text = "local n = 0 return function() n = n + 1 return n end";
    /// let count: perilune::Function = lua.load(text).eval()?;
    /// let other = count.deep_clone()?;
    /// assert_eq!((count.call::<i64>(())?, count.call::<i64>(())?), (1, 2));
    /// assert_eq!(other.call::<i64>(())?, 1);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// Memory.
    pub fn deep_clone(&self) -> Result<Function> {
        let lua = self.0.lua()?;
        if self.0.raw().tag != raw::LUA_CLOSURE {
            return Ok(self.clone());
        }
        lua.safepoint();
        // SAFETY: the handle keeps the function alive; the new one is rooted before anything collects.
        unsafe {
            let made = (*lua.vm())
                .heap
                .duplicate_closure(self.0.raw().as_pointer());
            let made = made.map_err(|_| Error::memory())?;
            let value = raw::Value::lua_closure(made);
            Ok(Function(Handle::new(&self.0.state, value)))
        }
    }
}
