//! What is active: information about functions and the calls that they are in.

use crate::handle::Handle;
pub use crate::hook::HookTriggers;
use crate::{Function, Lua, LuaString, Result};
use perilune_runtime::native::{ActivationInfo, Call, FunctionInfo, Level, Local};
use perilune_runtime::value as raw;
use std::borrow::Cow;
use std::marker::PhantomData;

/// An active function: the one that a hook is about, or one that [`Lua::inspect_stack`] has found.
///
/// ```
/// use perilune::debug::{Debug, DebugEvent, DebugNames, DebugSource, DebugStack};
/// let lua = perilune::Lua::new();
/// let about = lua.create_function(|lua, ()| {
///     let describe = |debug: &Debug<'_>| {
///         assert_eq!(debug.event(), DebugEvent::Unknown(-1));
///         assert!(!debug.is_tail_call() && debug.function().info().what == "Lua");
///         let DebugNames { name, name_what } = debug.names();
///         let DebugSource { short_src, line_defined, .. } = debug.source();
///         let DebugStack { num_params, is_vararg, .. } = debug.stack();
///         format!("{name_what:?} {name:?} {short_src:?} {line_defined:?} {num_params} {is_vararg}")
///     };
///     Ok(lua.inspect_stack(1, describe))
/// })?;
/// lua.globals().set("about", about)?;
/// let text = "function f(a, b) local text = about() return text end return (f())";
/// let text: String = lua.load(text).set_name("=t").eval()?;
/// assert_eq!(text, r#"Some("global") Some("f") Some("t") Some(1) 2 false"#);
/// # Ok::<(), perilune::Error>(())
/// ```
#[derive(Debug)]
pub struct Debug<'a> {
    _lua: PhantomData<&'a Lua>,
    event: DebugEvent,
    function: Handle,
    about_function: FunctionInfo,
    about_call: ActivationInfo,
}

/// Why a hook is called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DebugEvent {
    /// A function is called.
    Call,
    /// A function is about to return.
    Ret,
    /// A function is called in place of the one that calls it.
    TailCall,
    /// A line is about to be executed.
    Line,
    /// Instructions have been executed.
    Count,
    /// None of these: it is no hook's.
    Unknown(i32),
}

/// How a function was called.
#[derive(Clone, Debug)]
pub struct DebugNames<'a> {
    /// The name by which it was called, if there is one.
    pub name: Option<Cow<'a, str>>,
    /// What that is the name of: `global`, `local`, `method`, `field`, `upvalue`, and so on.
    pub name_what: Option<&'static str>,
}

/// Where a function comes from.
#[derive(Clone, Debug)]
pub struct DebugSource<'a> {
    /// The name of the chunk.
    pub source: Option<Cow<'a, str>>,
    /// The same as messages show it.
    pub short_src: Option<Cow<'a, str>>,
    /// The line where its definition begins.
    pub line_defined: Option<usize>,
    /// The line where its definition ends.
    pub last_line_defined: Option<usize>,
    /// `Lua`, `C` for one that is not written in Lua, `main` for a chunk.
    pub what: &'static str,
}

/// What a function takes.
#[derive(Clone, Copy, Debug)]
pub struct DebugStack {
    /// How many variables of functions around it it uses.
    pub num_upvalues: u8,
    /// How many parameters it has (0 for one that is not written in Lua).
    pub num_params: u8,
    /// Whether it takes any number of arguments.
    pub is_vararg: bool,
}

fn text(bytes: &[u8]) -> Option<Cow<'_, str>> {
    Some(String::from_utf8_lossy(bytes))
}

/// A line's number, if it is one.
fn line(n: i64) -> Option<usize> {
    usize::try_from(n).ok()
}

impl<'a> Debug<'a> {
    /// The active function at a level, if there is one.
    pub(crate) fn at(lua: &'a Lua, level: usize, event: DebugEvent) -> Option<Debug<'a>> {
        let _entered = lua.enter();
        let mut found = None;
        let asked = lua.with_call(|call| {
            let (thread, _) = call.running();
            found = call
                .level(thread, i64::try_from(level).unwrap_or(i64::MAX))
                .map(|level| about(call, level));
            Ok(())
        });
        asked.ok()?;
        let (function, about_function, about_call) = found?;
        Some(Debug {
            _lua: PhantomData,
            event,
            function: Handle::new(&lua.state, function),
            about_function,
            about_call,
        })
    }

    /// Why the hook was called.
    pub fn event(&self) -> DebugEvent {
        self.event
    }

    /// The function.
    pub fn function(&self) -> Function {
        Function(self.function.clone())
    }

    /// How it was called.
    pub fn names(&self) -> DebugNames<'_> {
        let name = self.about_call.name.as_ref();
        DebugNames {
            name: name.and_then(|name| text(&name.name)),
            name_what: name.map(|name| name.kind),
        }
    }

    /// Where it comes from.
    pub fn source(&self) -> DebugSource<'_> {
        let about = &self.about_function;
        DebugSource {
            source: text(&about.source),
            short_src: text(&about.short_source),
            line_defined: line(about.line_defined),
            last_line_defined: line(about.last_line_defined),
            what: about.what,
        }
    }

    /// The line that is being executed, if that is known.
    pub fn current_line(&self) -> Option<usize> {
        line(self.about_call.current_line)
    }

    /// Whether it was called in place of the function that called it.
    pub fn is_tail_call(&self) -> bool {
        self.about_call.is_tail_call
    }

    /// What it takes.
    pub fn stack(&self) -> DebugStack {
        let about = &self.about_function;
        DebugStack {
            num_upvalues: u8::try_from(about.upvalue_count).unwrap_or(u8::MAX),
            num_params: about.parameter_count,
            is_vararg: about.is_vararg,
        }
    }
}

fn about<'c>(call: &mut Call<'c>, level: Level<'c>) -> (raw::Value, FunctionInfo, ActivationInfo) {
    let function = call.level_function(level);
    (
        Local::from(function).raw(),
        call.function_info(function),
        call.level_info(level),
    )
}

impl Lua {
    /// Calls `f` with what is known of the active function at `level`: 0 is the running one, 1 the one
    /// that called it. `None` when there is none.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let line = lua.create_function(|lua, ()| {
    ///     Ok(lua.inspect_stack(1, |debug| debug.current_line()).flatten())
    /// })?;
    /// lua.globals().set("line", line)?;
    /// assert_eq!(lua.load("\n\nreturn line()").eval::<usize>()?, 3);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn inspect_stack<R>(&self, level: usize, f: impl FnOnce(&Debug<'_>) -> R) -> Option<R> {
        let debug = Debug::at(self, level, DebugEvent::Unknown(-1))?;
        Some(f(&debug))
    }

    /// The stack as text, from `level` on, behind a message.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let trace = lua.create_function(|lua, ()| lua.traceback(Some("here"), 1))?;
    /// lua.globals().set("trace", trace)?;
    /// let text: String = lua.load("(trace())").set_name("=t").eval()?;
    /// assert!(text.starts_with("here\nstack traceback:\n\tt:1: in main chunk"));
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// Memory.
    pub fn traceback(&self, message: Option<&str>, level: usize) -> Result<LuaString> {
        let _entered = self.enter();
        let mut text = Vec::new();
        self.with_call(|call| {
            let (thread, _) = call.running();
            let level = i64::try_from(level).unwrap_or(i64::MAX);
            text = call.traceback(thread, message.map(str::as_bytes), level);
            Ok(())
        })?;
        self.create_string(text)
    }
}
