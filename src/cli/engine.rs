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
#[derive(Clone)]
pub(crate) struct Value;

/// A Lua state with the standard library.
pub(crate) struct Engine;

impl Engine {
    /// Creates a state.
    pub(crate) fn new(settings: &Settings) -> Result<Engine, String> {
        for mode in &settings.modes {
            if !matches!(mode.as_str(), "on" | "off") {
                return Err(format!("unknown engine mode '{mode}'"));
            }
        }
        let _ = settings.ignore_environment;
        Ok(Engine)
    }

    /// Compiles a chunk.
    pub(crate) fn load(&self, _source: &[u8], _name: &[u8]) -> Result<Value, Failure> {
        Err(unavailable())
    }

    /// Compiles a file, or standard input; a byte order mark and a first line that starts with
    /// `#` are skipped.
    pub(crate) fn load_file(&self, _name: Option<&[u8]>) -> Result<Value, Failure> {
        Err(unavailable())
    }

    /// Calls a function; Ctrl-C interrupts it, and a failure's message has a traceback.
    pub(crate) fn call(&self, _function: &Value, _args: &[Value]) -> Result<Vec<Value>, Failure> {
        Err(unavailable())
    }

    /// Calls a function without either.
    pub(crate) fn call_plain(&self, f: &Value, args: &[Value]) -> Result<Vec<Value>, Failure> {
        self.call(f, args)
    }

    /// The value of a global variable.
    pub(crate) fn global(&self, _name: &[u8]) -> Result<Value, Failure> {
        Ok(Value)
    }

    /// Assigns to a global variable.
    pub(crate) fn set_global(&self, _name: &[u8], _value: Value) -> Result<(), Failure> {
        Ok(())
    }

    /// A Lua string.
    pub(crate) fn string(&self, _bytes: &[u8]) -> Value {
        Value
    }

    /// The value nil.
    pub(crate) fn nil(&self) -> Value {
        Value
    }

    /// Creates the table `arg`, in which `arguments[zero]` is at index 0.
    pub(crate) fn set_argument_table(
        &self,
        _args: &[Vec<u8>],
        _zero: usize,
    ) -> Result<(), Failure> {
        Ok(())
    }

    /// The elements of `arg` from 1 to its length, as the script finds them.
    pub(crate) fn script_arguments(&self) -> Result<Vec<Value>, Failure> {
        Ok(Vec::new())
    }

    /// The text of `_PROMPT`, or of `_PROMPT2`; `None` where it is nil.
    pub(crate) fn prompt(&self, _first: bool) -> Result<Option<Vec<u8>>, Failure> {
        Ok(None)
    }

    /// Lets warnings appear.
    pub(crate) fn turn_warnings_on(&self) {}

    /// Writes to Lua's standard output, and flushes it.
    pub(crate) fn write(&self, _text: &[u8]) {}

    /// Reads a line of Lua's standard input, without its line end.
    pub(crate) fn read_line(&self) -> Option<Vec<u8>> {
        None
    }

    /// The string keys of the table that a path of names leads to, from the globals.
    pub(crate) fn member_names(&self, _path: &[&str]) -> Vec<String> {
        Vec::new()
    }
}

fn unavailable() -> Failure {
    Failure {
        message: b"this build has no engine".to_vec(),
        incomplete: false,
    }
}
