//! The only file of the command line that talks to the library: everything the stand-alone
//! interpreter needs of a state, and nothing else.
//!
//! What scripts may replace (`loadfile`, `warn`, `io.stdin`, `io.stdout`) is fetched once, before
//! any Lua code runs; what the reference implementation looks up each time (`require`, `print`,
//! prompts) is looked up each time.

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

/// A Lua value.
pub(crate) use perilune::Value;

use perilune::program::{self, ReportingCall};
use perilune::{Error, Lua, Options};

/// Completion looks no further than this; a chain may be a circle.
const MAX_INHERITANCE: usize = 20;

/// More arguments would not fit on a stack.
const MAX_SCRIPT_ARGUMENTS: i64 = 999_000;

/// A Lua state with the standard library.
pub(crate) struct Engine {
    lua: Lua,
    caller: ReportingCall,
    load_file: Value,
    to_text: Value,
    /// Whether the compiler's statistics are printed at the end, and then whether as JSON.
    statistics: Option<bool>,
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
        let start = || {
            let lua = Lua::with_options(&options)?;
            let caller = ReportingCall::new(&lua)?;
            let load_file = lua.globals().raw_get("loadfile")?;
            let to_text = lua.globals().raw_get("tostring")?;
            let collect = lua.globals().raw_get("collectgarbage")?;
            let mode = [Value::String(lua.create_string("generational")?)];
            // As the reference interpreter; a mode that is not there would be no reason to stop.
            caller.call_plain(&collect, &mode).ok();
            Ok(Engine {
                lua,
                caller,
                load_file,
                to_text,
                statistics: options.wanted_statistics(),
            })
        };
        start().map_err(|error: Error| format!("cannot create state: {error}"))
    }

    /// Compiles a chunk.
    pub(crate) fn load(&self, source: &[u8], name: &[u8]) -> Result<Value, Failure> {
        let chunk = self.lua.load(source).set_name_bytes(name);
        chunk.into_function().map(Value::Function).map_err(failure)
    }

    /// Compiles a file, or standard input; a byte order mark and a first line that starts with
    /// `#` are skipped.
    pub(crate) fn load_file(&self, name: Option<&[u8]>) -> Result<Value, Failure> {
        let arguments: Vec<Value> = name.iter().map(|name| self.string(name)).collect();
        let mut results = self.call_plain(&self.load_file, &arguments)?.into_iter();
        match (results.next(), results.next()) {
            (Some(function @ Value::Function(_)), _) => Ok(function),
            (_, Some(Value::String(message))) => Err(Failure {
                message: message.to_bytes(),
                incomplete: message.to_bytes().ends_with(b"<eof>"),
            }),
            _ => Err(Failure {
                message: b"cannot load file".to_vec(),
                incomplete: false,
            }),
        }
    }

    /// Calls a function; Ctrl-C interrupts it, and a failure's message has a traceback.
    pub(crate) fn call(&self, function: &Value, args: &[Value]) -> Result<Vec<Value>, Failure> {
        // Without a handler Ctrl-C ends the process, which is what the user wanted anyway.
        let _guard = self.lua.interrupt_on_signal().ok();
        self.caller.call(function, args).map_err(uncaught)
    }

    /// Calls a function without either.
    pub(crate) fn call_plain(&self, f: &Value, args: &[Value]) -> Result<Vec<Value>, Failure> {
        self.caller.call_plain(f, args).map_err(uncaught)
    }

    /// The value of a global variable.
    pub(crate) fn global(&self, name: &[u8]) -> Result<Value, Failure> {
        self.caller.global(&self.lua, name).map_err(uncaught)
    }

    /// Assigns to a global variable.
    pub(crate) fn set_global(&self, name: &[u8], value: Value) -> Result<(), Failure> {
        self.caller
            .set_global(&self.lua, name, value)
            .map_err(uncaught)
    }

    /// A Lua string.
    pub(crate) fn string(&self, bytes: &[u8]) -> Value {
        self.lua
            .create_string(bytes)
            .map_or(Value::Nil, Value::String)
    }

    /// The value nil.
    pub(crate) fn nil(&self) -> Value {
        Value::Nil
    }

    /// Creates the table `arg`, in which `arguments[zero]` is at index 0.
    pub(crate) fn set_argument_table(&self, args: &[Vec<u8>], zero: usize) -> Result<(), Failure> {
        let table = self.lua.create_table().map_err(failure)?;
        for (index, argument) in args.iter().enumerate() {
            let key = index as i64 - zero as i64;
            table.raw_set(key, self.string(argument)).map_err(failure)?;
        }
        self.set_global(b"arg", Value::Table(table))
    }

    /// The elements of `arg` from 1 to its length, as the script finds them.
    pub(crate) fn script_arguments(&self) -> Result<Vec<Value>, Failure> {
        match self.global(b"arg")? {
            Value::Table(table) => {
                let length = self.caller.length(&self.lua, &table).map_err(uncaught)?;
                if length > MAX_SCRIPT_ARGUMENTS {
                    let message = b"stack overflow (too many arguments to script)";
                    return Err(uncaught(message.to_vec()));
                }
                let element = |i| table.raw_get(i);
                let elements: Result<_, _> = (1..=length).map(element).collect();
                elements.map_err(failure)
            }
            _ => Err(Failure {
                message: b"'arg' is not a table".to_vec(),
                incomplete: false,
            }),
        }
    }

    /// The text of `_PROMPT`, or of `_PROMPT2`; `None` where it is nil.
    pub(crate) fn prompt(&self, first: bool) -> Result<Option<Vec<u8>>, Failure> {
        let value = self.global(if first { b"_PROMPT" } else { b"_PROMPT2" })?;
        if value.is_nil() {
            return Ok(None);
        }
        let text = self.call_plain(&self.to_text, &[value])?;
        Ok(text
            .first()
            .and_then(Value::as_string)
            .map(perilune::LuaString::to_bytes))
    }

    /// Lets warnings appear.
    pub(crate) fn turn_warnings_on(&self) {
        self.lua
            .set_warning_writer(program::standard_warnings(program::Warnings::On));
    }

    /// Writes to Lua's standard output, and flushes it.
    pub(crate) fn write(&self, text: &[u8]) {
        // There is nowhere to report a failure to.
        let _ = program::stdout_write(text);
        let _ = program::stdout_flush();
    }

    /// Reads a line of Lua's standard input, without its line end.
    pub(crate) fn read_line(&self) -> Option<Vec<u8>> {
        let mut line = program::stdin_read_line().ok().flatten()?;
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        Some(line)
    }

    /// The string keys of the table that a path of names leads to, from the globals, those that it
    /// inherits from tables included. Runs no Lua code.
    pub(crate) fn member_names(&self, path: &[&str]) -> Vec<String> {
        let mut tables = inheritance(self.lua.globals());
        for name in path {
            let found = tables
                .iter()
                .filter_map(|table| table.raw_get::<Value>(*name).ok())
                .find(|value| !value.is_nil());
            tables = match found {
                Some(Value::Table(inner)) => inheritance(inner),
                Some(Value::String(_)) => match self.lua.globals().raw_get("string") {
                    Ok(Value::Table(library)) => vec![library],
                    _ => return Vec::new(),
                },
                _ => return Vec::new(),
            };
        }
        let entries = tables
            .iter()
            .flat_map(perilune::Table::pairs::<Value, Value>);
        entries
            .filter_map(std::result::Result::ok)
            .filter_map(|(key, _)| key.as_string().map(perilune::LuaString::to_string_lossy))
            .collect()
    }

    /// Ends the state, as the process is about to end.
    pub(crate) fn finish(&self) {
        perilune::Lua::clone(&self.lua).finish();
        if let Some(json) = self.statistics
            && let Some(text) = self.lua.trace_statistics(json)
        {
            eprintln!("{}", text.trim_end());
        }
    }
}

/// A table and those that its fields are inherited from, by `__index`.
fn inheritance(table: perilune::Table) -> Vec<perilune::Table> {
    let mut tables = vec![table];
    while tables.len() < MAX_INHERITANCE
        && let Some(metatable) = tables.last().and_then(perilune::Table::metatable)
        && let Ok(Value::Table(next)) = metatable.raw_get("__index")
    {
        tables.push(next);
    }
    tables
}

fn uncaught(message: Vec<u8>) -> Failure {
    Failure {
        message,
        incomplete: false,
    }
}

fn failure(error: Error) -> Failure {
    let incomplete = matches!(
        error,
        Error::SyntaxError {
            incomplete_input: true,
            ..
        }
    );
    Failure {
        message: program::message(error),
        incomplete,
    }
}
