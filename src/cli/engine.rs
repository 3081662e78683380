//! The only file of the command line that talks to the library: everything the stand-alone
//! interpreter needs of a state, and nothing else.
//!
//! What scripts may replace (`loadfile`, `warn`, `io.stdin`, `io.stdout`) is fetched once, before
//! any Lua code of theirs runs; what the reference implementation looks up each time (`require`,
//! `print`, prompts) is looked up each time. Operations on globals respect metamethods, so they
//! are small Lua functions; tracebacks never show them, as only their results are used.

use std::sync::OnceLock;

use perilune::{ChunkMode, Error, Function, InterruptHandle, Lua, Options, Value as LuaValue};

/// A Lua value.
pub(crate) type Value = LuaValue;

/// How a state is set up.
pub(crate) struct Settings {
    /// Libraries read no environment variables.
    pub(crate) ignore_environment: bool,
    /// Engine modes, the later ones overriding the earlier.
    pub(crate) modes: Vec<String>,
}

/// A failed load or call.
pub(crate) struct Failure {
    /// What to tell the user: for a call, with its traceback.
    pub(crate) message: Vec<u8>,
    /// A syntax error at the very end of the text: more text might mend it.
    pub(crate) incomplete: bool,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let incomplete = matches!(error, Error::SyntaxError { incomplete_input: true, .. });
        Failure { message: error.to_string().into_bytes(), incomplete }
    }
}

type Outcome<T> = Result<T, Failure>;

/// The helpers, in the order of the fields of [`Helpers`].
const HELPERS: &[u8] = br#"
local loadfile, warn, tostring, type, error = loadfile, warn, tostring, type, error
local rawget, unpack = rawget, table and table.unpack
local output, input = io.stdout, io.stdin
local write, flush, read = output.write, output.flush, input.read
collectgarbage("generational")
return loadfile,
  function(name) return _ENV[name] end,
  function(name, value) _ENV[name] = value end,
  function()
    local arg = arg
    if type(arg) ~= "table" then error("'arg' is not a table", 0) end
    local list, count = {}, #arg
    for i = 1, count do list[i] = rawget(arg, i) end
    return unpack(list, 1, count)
  end,
  tostring,
  function(text) write(output, text) flush(output) end,
  function() return read(input, "l") end,
  function() warn("@on") end
"#;

struct Helpers {
    load_file: Function,
    get_global: Function,
    set_global: Function,
    script_arguments: Function,
    to_text: Function,
    write: Function,
    read_line: Function,
    turn_warnings_on: Function,
}

/// A Lua state with the standard library.
pub(crate) struct Engine {
    lua: Lua,
    helpers: Helpers,
}

/// What the interrupt handler reaches; a process runs one stand-alone state.
static INTERRUPT: OnceLock<InterruptHandle> = OnceLock::new();

fn interrupt() {
    if let Some(handle) = INTERRUPT.get() {
        handle.interrupt();
    }
}

impl Engine {
    /// Creates a state.
    pub(crate) fn new(settings: &Settings) -> Result<Engine, String> {
        let mut options = Options::new();
        if settings.ignore_environment {
            options = options.without_environment();
        }
        for mode in &settings.modes {
            options = options.with_mode(mode).map_err(|error| error.to_string())?;
        }
        let lua = Lua::with_options(&options)
            .map_err(|error| format!("cannot create state: {error}"))?;
        let helpers = Helpers::load(&lua).map_err(|error| error.to_string())?;
        // A second state in the same process keeps the first one's handle.
        INTERRUPT.set(lua.interrupt_handle()).ok();
        Ok(Engine { lua, helpers })
    }

    /// Compiles a chunk.
    pub(crate) fn load(&self, source: &[u8], name: &[u8]) -> Outcome<Value> {
        let chunk = self.lua.load(source).set_name(name).set_mode(ChunkMode::Both);
        Ok(Value::Function(chunk.into_function()?))
    }

    /// Compiles a file, or standard input; a byte order mark and a first line that starts with
    /// `#` are skipped.
    pub(crate) fn load_file(&self, name: Option<&[u8]>) -> Outcome<Value> {
        let arguments: Vec<Value> = name.iter().map(|name| self.string(name)).collect();
        let results = self.helpers.load_file.call_without_traceback(&arguments)?;
        let mut results = results.into_iter();
        match (results.next(), results.next()) {
            (Some(function @ Value::Function(_)), _) => Ok(function),
            (_, Some(Value::String(message))) => {
                Err(Failure { message: message.to_bytes(), incomplete: false })
            }
            _ => Err(Failure { message: b"cannot load".to_vec(), incomplete: false }),
        }
    }

    /// Calls a function; Ctrl-C interrupts it, and a failure's message has a traceback.
    pub(crate) fn call(&self, function: &Value, arguments: &[Value]) -> Outcome<Vec<Value>> {
        // Where interrupts can't be caught they end the process, which will do.
        let guard = perilune::process::on_interrupt(interrupt);
        let results = self.callable(function)?.call(arguments);
        drop(guard);
        Ok(results?)
    }

    /// Calls a function without either.
    pub(crate) fn call_plain(&self, function: &Value, arguments: &[Value]) -> Outcome<Vec<Value>> {
        Ok(self.callable(function)?.call_without_traceback(arguments)?)
    }

    /// The function itself, or, for other values, one that calls the value: with its `__call`, or
    /// else failing as a call of such a value does.
    fn callable(&self, value: &Value) -> Outcome<Function> {
        if let Value::Function(function) = value {
            return Ok(function.clone());
        }
        let source = b"local value = ... return function(...) return value(...) end";
        let maker = self.lua.load(source).set_name("=(call)").into_function()?;
        match maker.call_without_traceback(std::slice::from_ref(value))?.pop() {
            Some(Value::Function(function)) => Ok(function),
            _ => Err(Failure { message: b"not a function".to_vec(), incomplete: false }),
        }
    }

    /// The value of a global variable.
    pub(crate) fn global(&self, name: &[u8]) -> Outcome<Value> {
        let results = self.helpers.get_global.call_without_traceback(&[self.string(name)])?;
        Ok(results.into_iter().next().unwrap_or(Value::Nil))
    }

    /// Assigns to a global variable.
    pub(crate) fn set_global(&self, name: &[u8], value: Value) -> Outcome<()> {
        self.helpers.set_global.call_without_traceback(&[self.string(name), value])?;
        Ok(())
    }

    /// A Lua string; nil where memory ran out.
    pub(crate) fn string(&self, bytes: &[u8]) -> Value {
        self.lua.create_string(bytes).map_or(Value::Nil, Value::String)
    }

    /// The value nil.
    pub(crate) fn nil(&self) -> Value {
        Value::Nil
    }

    /// Creates the table `arg`, in which `arguments[zero]` is at index 0.
    pub(crate) fn set_argument_table(&self, arguments: &[Vec<u8>], zero: usize) -> Outcome<()> {
        let table = self.lua.create_table()?;
        for (index, argument) in arguments.iter().enumerate() {
            let key = index as i64 - zero as i64;
            table.raw_set(&Value::Integer(key), &self.string(argument))?;
        }
        self.set_global(b"arg", Value::Table(table))
    }

    /// The elements of `arg` from 1 to its length, as the script finds them.
    pub(crate) fn script_arguments(&self) -> Outcome<Vec<Value>> {
        Ok(self.helpers.script_arguments.call_without_traceback(&[])?)
    }

    /// The text of `_PROMPT`, or of `_PROMPT2`; `None` where it is nil.
    pub(crate) fn prompt(&self, first: bool) -> Outcome<Option<Vec<u8>>> {
        let value = self.global(if first { b"_PROMPT" } else { b"_PROMPT2" })?;
        if value.is_nil() {
            return Ok(None);
        }
        let results = self.helpers.to_text.call_without_traceback(&[value])?;
        Ok(results.first().and_then(Value::as_string).map(perilune::LuaString::to_bytes))
    }

    /// Lets warnings appear.
    pub(crate) fn turn_warnings_on(&self) {
        // `warn` raises nothing when its arguments are strings.
        self.helpers.turn_warnings_on.call_without_traceback(&[]).ok();
    }

    /// Writes to Lua's standard output, and flushes it. A script may have closed it.
    pub(crate) fn write(&self, text: &[u8]) {
        self.helpers.write.call_without_traceback(&[self.string(text)]).ok();
    }

    /// Reads a line of Lua's standard input, without its line end; `None` at its end or once a
    /// script has closed it.
    pub(crate) fn read_line(&self) -> Option<Vec<u8>> {
        let results = self.helpers.read_line.call_without_traceback(&[]).ok()?;
        results.first()?.as_string().map(perilune::LuaString::to_bytes)
    }

    /// The string keys of the table that a path of names leads to, from the globals; those of the
    /// tables behind its `__index` too.
    pub(crate) fn member_names(&self, path: &[&str]) -> Vec<String> {
        let mut value = Value::Table(self.lua.globals());
        for name in path {
            match self.raw_member(&value, name) {
                Some(member) => value = member,
                None => return Vec::new(),
            }
        }
        let mut names = Vec::new();
        for table in self.tables_behind(&value) {
            for (key, _) in table.entries() {
                names.extend(key.as_string().map(perilune::LuaString::to_string_lossy));
            }
        }
        names
    }

    fn raw_member(&self, value: &Value, name: &str) -> Option<Value> {
        let tables = self.tables_behind(value).into_iter();
        let mut members = tables.filter_map(|table| table.raw_get_field(name.as_bytes()).ok());
        members.find(|member| !member.is_nil())
    }

    /// The tables in which a field of `value` is looked for, without running Lua code. Chains
    /// longer than any in use are cut off, as they may be loops.
    fn tables_behind(&self, value: &Value) -> Vec<perilune::Table> {
        let mut tables = Vec::new();
        let mut next = match value {
            Value::Table(table) => Some(table.clone()),
            Value::String(_) => match self.lua.globals().raw_get_field(b"string") {
                Ok(Value::Table(library)) => Some(library),
                _ => None,
            },
            _ => None,
        };
        while let Some(table) = next.take().filter(|_| tables.len() < 20) {
            if let Some(metatable) = table.metatable()
                && let Ok(Value::Table(parent)) = metatable.raw_get_field(b"__index")
            {
                next = Some(parent);
            }
            tables.push(table);
        }
        tables
    }
}

impl Helpers {
    fn load(lua: &Lua) -> Result<Helpers, Error> {
        let chunk = lua.load(HELPERS).set_name("=(perilune)").into_function()?;
        let mut functions = chunk.call_without_traceback(&[])?.into_iter();
        let mut next = || match functions.next() {
            Some(Value::Function(function)) => Ok(function),
            _ => Err(Error::ConversionError { from: "nil", to: "function" }),
        };
        Ok(Helpers {
            load_file: next()?,
            get_global: next()?,
            set_global: next()?,
            script_arguments: next()?,
            to_text: next()?,
            write: next()?,
            read_line: next()?,
            turn_warnings_on: next()?,
        })
    }
}
