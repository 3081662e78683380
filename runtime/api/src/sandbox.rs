//! States for programs that are not trusted.
//!
//! What such a program can reach is what it is given: the functions that only compute, and what its
//! [`Capabilities`] say. It can't change what it is given: the table of globals and the libraries are empty
//! tables that find everything in others, which nobody can get at.
//!
//! Finalisers do not run for its objects: they would run whenever the collector likes, also when the
//! embedder has control.

use crate::lock::Shared;
use crate::{
    Error, Function, Lua, MaybeSend, MaybeSync, MultiValue, Options, Result, StdLib, Table, Value,
    Variadic,
};
use std::fmt;

/// What takes what a program prints.
type Sink = Shared<dyn Sinks>;
/// What knows the text of a module.
type Reader = Shared<dyn Reads>;

/// A function that takes what is printed. Several states may have it.
trait Sinks: Fn(&[u8]) + MaybeSend + MaybeSync {}
impl<F: Fn(&[u8]) + MaybeSend + MaybeSync> Sinks for F {}

/// A function that answers the text of a module; likewise.
trait Reads: Fn(&str) -> Option<Vec<u8>> + MaybeSend + MaybeSync {}
impl<F: Fn(&str) -> Option<Vec<u8>> + MaybeSend + MaybeSync> Reads for F {}

/// What a program that is not trusted may do besides computing.
///
/// ```
/// use perilune::{Capabilities, Lua};
/// use std::sync::{Arc, Mutex};
/// let printed = Arc::new(Mutex::new(Vec::new()));
/// let sink = printed.clone();
/// let allowed = Capabilities::new()
///     .print(move |text| sink.lock().unwrap().extend_from_slice(text))
///     .modules(|name| (name == "greet").then(|| b"return function(x) print('hello ' .. x) end".to_vec()));
/// let lua = Lua::sandboxed(&allowed)?;
/// lua.load("require 'greet' ('you')").exec()?;
/// assert_eq!(*printed.lock().unwrap(), b"hello you\n");
/// assert!(lua.load("os.execute('ls')").exec().is_err());
/// # Ok::<(), perilune::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Capabilities {
    time: bool,
    clock: bool,
    print: Option<Sink>,
    modules: Option<Reader>,
}

impl fmt::Debug for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Capabilities")
            .field("time", &self.time)
            .field("clock", &self.clock)
            .field("print", &self.print.is_some())
            .field("modules", &self.modules.is_some())
            .finish()
    }
}

impl Capabilities {
    /// Nothing but computing.
    pub fn new() -> Capabilities {
        Capabilities::default()
    }

    /// Also to know what time it is: `os.time`, `os.date`, `os.difftime`.
    ///
    /// ```
    /// use perilune::{Capabilities, Lua};
    /// let lua = Lua::sandboxed(&Capabilities::new().time().clock())?;
    /// assert!(lua.load("os.time() > 0 and os.clock() >= 0").eval::<bool>()?);
    /// assert!(lua.load("os.getenv").eval::<perilune::Value>()?.is_nil());
    /// # Ok::<(), perilune::Error>(())
    /// ```
    #[must_use]
    pub fn time(mut self) -> Capabilities {
        self.time = true;
        self
    }

    /// Also to measure its own time: `os.clock`.
    #[must_use]
    pub fn clock(mut self) -> Capabilities {
        self.clock = true;
        self
    }

    /// Also to print: each line that `print` makes is given to `sink`.
    #[must_use]
    pub fn print(mut self, sink: impl Fn(&[u8]) + MaybeSend + MaybeSync + 'static) -> Capabilities {
        self.print = Some(Shared::new(sink));
        self
    }

    /// Also to `require` modules, whose texts `reader` knows by their names.
    #[must_use]
    pub fn modules(
        mut self,
        reader: impl Fn(&str) -> Option<Vec<u8>> + MaybeSend + MaybeSync + 'static,
    ) -> Capabilities {
        self.modules = Some(Shared::new(reader));
        self
    }
}

/// Global functions that are taken away: they read files, print, control the collector, or can be told to
/// do harm.
const REMOVED: &[&str] = &["dofile", "loadfile", "print", "warn", "collectgarbage"];

/// What the metatables of tables that can't be changed have.
const MARK: &str = "__readonly";

/// What a program says that writes where it may not.
const READ_ONLY: &str = "attempt to modify a read-only table";

impl Lua {
    /// A state for programs that are not trusted: it has the basic functions, `coroutine`, `table`, `string`,
    /// `utf8`, `math`, and what `allowed` says; binary chunks are refused, finalisers are ignored, and libraries
    /// can't be changed. Limits are set as for any state ([`Lua::set_fuel`], [`Lua::set_deadline`],
    /// [`Lua::set_memory_limit`]).
    ///
    /// # Errors
    /// [`Error::MemoryError`] when the allocator fails.
    pub fn sandboxed(allowed: &Capabilities) -> Result<Lua> {
        Lua::sandboxed_with(&Options::new(), allowed)
    }

    /// Likewise, with options of the engine; its libraries are those that both allow.
    ///
    /// ```
    /// use perilune::{Capabilities, Lua, Options};
    /// let options = Options::new().with_mode("off").expect("a mode");
    /// let lua = Lua::sandboxed_with(&options, &Capabilities::new())?;
    /// assert!(lua.load("print").eval::<perilune::Value>()?.is_nil());
    /// assert!(lua.load("string.format = nil").exec().is_err());
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Lua::sandboxed`].
    pub fn sandboxed_with(options: &Options, allowed: &Capabilities) -> Result<Lua> {
        let safe = StdLib::COROUTINE
            | StdLib::TABLE
            | StdLib::STRING
            | StdLib::UTF8
            | StdLib::MATH
            | StdLib::OS;
        let options = options.clone().without_environment();
        let libraries = options.libraries & safe;
        let lua = Lua::with_options(&options.libraries(libraries))?;
        lua.set_binary_chunks(false);
        lua.ignore_finalizers();
        let globals = lua.globals();
        for name in REMOVED {
            globals.raw_set(*name, Value::Nil)?;
        }
        lua.restrict_os(&globals, allowed)?;
        if let Some(sink) = &allowed.print {
            globals.raw_set("print", lua.printer(&globals, sink.clone())?)?;
        }
        if let Some(reader) = &allowed.modules {
            globals.raw_set("require", lua.requirer(reader.clone())?)?;
        }
        if let Value::Table(string) = globals.raw_get::<Value>("string")? {
            string.raw_set("dump", Value::Nil)?;
        }
        globals.raw_set("rawset", lua.careful_rawset(&globals)?)?;
        lua.protect_strings()?;
        lua.protect(&globals)?;
        Ok(lua)
    }

    /// Finalisers do not run from here on.
    fn ignore_finalizers(&self) {
        let entered = self.enter();
        // SAFETY: the machine lives as long as the state.
        unsafe { (*entered.vm()).limits.ignores_finalizers = true };
    }

    /// Leaves of `os` what is allowed.
    fn restrict_os(&self, globals: &Table, allowed: &Capabilities) -> Result<()> {
        let Value::Table(os) = globals.raw_get::<Value>("os")? else {
            return Ok(());
        };
        let safe = self.create_table()?;
        let time = ["time", "date", "difftime"];
        let names = time.iter().filter(|_| allowed.time);
        for name in names.chain(["clock"].iter().filter(|_| allowed.clock)) {
            safe.raw_set(*name, os.raw_get::<Value>(*name)?)?;
        }
        let is_empty = safe.is_empty();
        globals.raw_set(
            "os",
            if is_empty {
                Value::Nil
            } else {
                Value::Table(safe)
            },
        )
    }

    /// `print`, for a sink.
    fn printer(&self, globals: &Table, sink: Sink) -> Result<Function> {
        // The function must not be a handle within what the state holds: that would keep it alive.
        let convert: Function = globals.raw_get("tostring")?;
        let body =
            self.create_function(move |_, (convert, values): (Function, Variadic<Value>)| {
                let mut line = Vec::new();
                for (n, value) in values.iter().enumerate() {
                    if n > 0 {
                        line.push(b'\t');
                    }
                    let text: crate::LuaString = convert.call(value.clone())?;
                    line.extend_from_slice(&text.to_bytes());
                }
                line.push(b'\n');
                sink(&line);
                Ok(())
            })?;
        body.bind(convert)
    }

    /// `require`, for a reader.
    fn requirer(&self, reader: Reader) -> Result<Function> {
        let loaded = self.create_table()?;
        let body = self.create_function(move |lua, (loaded, name): (Table, String)| {
            let known: Value = loaded.raw_get(name.as_str())?;
            if !known.is_nil() {
                return Ok(known);
            }
            let Some(text) = reader(&name) else {
                return Err(Error::runtime(format!("module '{name}' not found")));
            };
            let chunk = lua.load(&text).set_name(format!("={name}"));
            let made: Value = chunk.call(name.as_str())?;
            let made = if made.is_nil() {
                Value::Boolean(true)
            } else {
                made
            };
            loaded.raw_set(name.as_str(), made.clone())?;
            Ok(made)
        })?;
        body.bind(loaded)
    }

    /// `rawset`, which leaves alone what can't be changed.
    fn careful_rawset(&self, globals: &Table) -> Result<Function> {
        let set: Function = globals.raw_get("rawset")?;
        let body = self.create_function(
            |_, (set, table, rest): (Function, Value, Variadic<Value>)| {
                if let Value::Table(table) = &table
                    && let Some(metatable) = table.metatable()
                    && matches!(metatable.raw_get(MARK)?, Value::Boolean(true))
                {
                    return Err(Error::runtime(READ_ONLY));
                }
                let mut args = MultiValue::from_vec(rest.to_vec());
                args.push_front(table);
                set.call::<MultiValue>(args)
            },
        )?;
        body.bind(set)
    }

    /// Keeps programs from the metatable of strings.
    fn protect_strings(&self) -> Result<()> {
        let metatable: Option<Table> = {
            let get: Function = self.globals().raw_get("getmetatable")?;
            get.call("")?
        };
        match metatable {
            Some(metatable) => metatable.raw_set("__metatable", false),
            None => Ok(()),
        }
    }

    /// Makes the globals, and the libraries in them, tables that can't be changed. New globals may be set.
    fn protect(&self, globals: &Table) -> Result<()> {
        let _entered = self.enter();
        let hidden = self.create_table()?;
        let next: Function = globals.raw_get("next")?;
        let mut names = Vec::new();
        for pair in globals.pairs::<Value, Value>() {
            names.push(pair?);
        }
        for (name, value) in names {
            let is_globals =
                matches!(&value, Value::Table(t) if t.0.raw().payload == globals.0.raw().payload);
            globals.raw_set(name.clone(), Value::Nil)?;
            let value = match value {
                Value::Table(_) if is_globals => Value::Table(globals.clone()),
                Value::Table(library) => Value::Table(self.read_only(&library, next.clone())?),
                value => value,
            };
            hidden.raw_set(name, value)?;
        }
        let metatable = self.create_table()?;
        metatable.raw_set("__index", hidden)?;
        metatable.raw_set("__metatable", false)?;
        globals.set_metatable(Some(metatable))?;
        Ok(())
    }

    /// A table that has what `library` has, and can't be changed.
    fn read_only(&self, library: &Table, next: Function) -> Result<Table> {
        let front = self.create_table()?;
        let metatable = self.create_table()?;
        metatable.raw_set("__index", library.clone())?;
        metatable.raw_set(
            "__newindex",
            self.create_function(|_, _: MultiValue| Err::<(), _>(Error::runtime(READ_ONLY)))?,
        )?;
        metatable.raw_set("__metatable", false)?;
        metatable.raw_set(MARK, true)?;
        // Traversals see a copy: the library itself is never handed out.
        let pairs = self.create_function(|lua, (library, next): (Table, Function)| {
            let copy = lua.create_table()?;
            for pair in library.pairs::<Value, Value>() {
                let (name, value) = pair?;
                copy.raw_set(name, value)?;
            }
            Ok((next, copy))
        })?;
        metatable.raw_set("__pairs", pairs.bind((library.clone(), next))?)?;
        front.set_metatable(Some(metatable))?;
        Ok(front)
    }
}
