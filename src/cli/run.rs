//! Carries out a command line: version, environment, options in order, script, interaction.
//!
//! Invariant: every step that fails has printed its message before it returns [`Failed`], so
//! the exit status is all that is left to decide.

use std::io::{IsTerminal, Write};

use perilune::program::messages::{Messages, VERSION};
use perilune::program::snippet::{self, Look};

use super::engine::{Engine, Failure, Settings, Value};
use super::flags::{self, Invocation, PrintRequest, Request, Step};
use super::manual::MANUAL;
use super::repl;

/// Something failed and its message has been printed.
struct Failed;

/// Variables that hold a chunk to run first; the first that is set counts.
const INIT_VARIABLES: [&str; 2] = ["LUA_INIT_5_4", "LUA_INIT"];

/// Environment variable with engine modes, read before those of the command line.
const MODES_VARIABLE: &str = "PERILUNE_JIT";

/// Exit statuses.
const SUCCESS: u8 = 0;
const FAILURE: u8 = 1;

/// Runs the program; `arguments[0]` is its name. Answers the exit status.
pub(crate) fn run(arguments: &[Vec<u8>]) -> u8 {
    let messages = Messages::new(arguments.first().map(Vec::as_slice), "perilune");
    let finished = match flags::parse(arguments) {
        Request::BadOption(index) => {
            complain(&messages, &arguments[index]);
            Err(Failed)
        }
        Request::Print(request) => print(&messages, request),
        Request::Run(invocation) => Session::start(messages, arguments, invocation),
    };
    match finished {
        Ok(()) => SUCCESS,
        Err(Failed) => FAILURE,
    }
}

fn complain(messages: &Messages, option: &[u8]) {
    let option_text = String::from_utf8_lossy(option);
    if flags::needs_argument(option) {
        messages.print(format!("'{option_text}' needs argument").as_bytes());
    } else {
        messages.print(format!("unrecognized option '{option_text}'").as_bytes());
    }
    messages.print_raw(flags::usage(&messages.program()).as_bytes());
}

/// Prints what an option asks for instead of running Lua.
fn print(messages: &Messages, request: PrintRequest) -> Result<(), Failed> {
    let text = match request {
        PrintRequest::Help => format!("{VERSION}\n{}", flags::usage(&messages.program())),
        PrintRequest::Version => format!("{VERSION}\n"),
        PrintRequest::Manual => MANUAL.page(),
        PrintRequest::Completions(shell) => match MANUAL.completions(&shell) {
            Some(script) => script,
            None => {
                let shell = String::from_utf8_lossy(&shell);
                messages.print(format!("no completions for shell '{shell}'").as_bytes());
                return Err(Failed);
            }
        },
    };
    let mut stream = std::io::stdout().lock();
    stream
        .write_all(text.as_bytes())
        .and_then(|()| stream.flush())
        .map_err(|error| {
            messages.print(error.to_string().as_bytes());
            Failed
        })
}

/// A state, and where its messages go.
pub(crate) struct Session {
    /// The state.
    pub(crate) engine: std::rc::Rc<Engine>,
    /// Where messages go.
    pub(crate) messages: Messages,
    /// Whether errors are shown in their source lines.
    snippets: Option<Look>,
}

impl Session {
    fn start(
        messages: Messages,
        arguments: &[Vec<u8>],
        invocation: Invocation,
    ) -> Result<(), Failed> {
        if invocation.show_version {
            println!("{VERSION}");
        }
        let settings = Settings {
            ignore_environment: invocation.ignore_environment,
            modes: engine_modes(&invocation),
        };
        let engine = match Engine::new(&settings) {
            Ok(engine) => std::rc::Rc::new(engine),
            Err(problem) => {
                messages.print(problem.as_bytes());
                return Err(Failed);
            }
        };
        let mut session = Session {
            engine,
            messages,
            snippets: Look::of_standard_error(invocation.snippets),
        };
        let outcome = session.run(arguments, &invocation);
        // Finalisers may still write.
        session.engine.finish();
        // The process ends here: freeing its objects one by one would be work for nothing.
        std::mem::forget(session);
        outcome
    }

    fn run(&mut self, arguments: &[Vec<u8>], invocation: &Invocation) -> Result<(), Failed> {
        let script = invocation.script;
        let created = self
            .engine
            .set_argument_table(arguments, script.unwrap_or(0));
        self.report(created)?;
        if !invocation.ignore_environment {
            self.run_initialization()?;
        }
        for step in &invocation.steps {
            match step {
                Step::Execute(source) => self.run_text(source, b"=(command line)")?,
                Step::Require(name) => self.require(name)?,
                Step::Warnings => self.engine.turn_warnings_on(),
            }
        }
        if let Some(script) = script {
            self.run_script(arguments, script)?;
        }
        if invocation.interactive {
            return self.interact();
        }
        let executed = invocation
            .steps
            .iter()
            .any(|step| matches!(step, Step::Execute(_)));
        if script.is_none() && !executed && !invocation.show_version {
            if std::io::stdin().is_terminal() {
                println!("{VERSION}");
                return self.interact();
            }
            self.run_file(None, |_| Ok(Vec::new()))?;
        }
        Ok(())
    }

    /// Runs the chunk in the environment, or the file that `@` in front of a name points to.
    fn run_initialization(&self) -> Result<(), Failed> {
        for name in INIT_VARIABLES {
            let Some(value) = std::env::var_os(name) else {
                continue;
            };
            let value = perilune::program::argument_bytes(value);
            return match value.strip_prefix(b"@") {
                Some(file) => self.run_file(Some(file), |_| Ok(Vec::new())),
                None => self.run_text(&value, format!("={name}").as_bytes()),
            };
        }
        Ok(())
    }

    fn run_text(&self, source: &[u8], name: &[u8]) -> Result<(), Failed> {
        let loaded = self.engine.load(source, name);
        let called = loaded.and_then(|chunk| self.engine.call(&chunk, &[]));
        self.report_about(called, Some((name, source))).map(|_| ())
    }

    /// Runs a file (standard input where there is no name), loading it before its arguments are
    /// looked at.
    fn run_file(
        &self,
        name: Option<&[u8]>,
        arguments: impl Fn(&Engine) -> Result<Vec<Value>, Failure>,
    ) -> Result<(), Failed> {
        let chunk = self.report(self.engine.load_file(name))?;
        let arguments = self.report(arguments(&self.engine))?;
        self.report(self.engine.call(&chunk, &arguments))
            .map(|_| ())
    }

    fn run_script(&self, arguments: &[Vec<u8>], script: usize) -> Result<(), Failed> {
        let name = arguments[script].as_slice();
        let is_file = name != b"-" || arguments[script - 1] == b"--";
        self.run_file(is_file.then_some(name), Engine::script_arguments)
    }

    /// `-l name`, `-l global=name`: a version suffix after `-` is not part of the global's name.
    fn require(&self, argument: &[u8]) -> Result<(), Failed> {
        let (global, module) = match argument.iter().position(|&byte| byte == b'=') {
            Some(at) => (&argument[..at], &argument[at + 1..]),
            None => {
                let end = argument.iter().position(|&byte| byte == b'-');
                (&argument[..end.unwrap_or(argument.len())], argument)
            }
        };
        let require = self.report(self.engine.global(b"require"))?;
        let results = self.report(self.engine.call(&require, &[self.engine.string(module)]))?;
        let value = results
            .into_iter()
            .next()
            .unwrap_or_else(|| self.engine.nil());
        self.report(self.engine.set_global(global, value))
    }

    fn interact(&mut self) -> Result<(), Failed> {
        let outcome = repl::run(self);
        self.report(outcome)
    }

    fn report<T>(&self, result: Result<T, Failure>) -> Result<T, Failed> {
        self.report_about(result, None)
    }

    /// Reports a failure that may be in a text that is in no file; with the name of its chunk.
    fn report_about<T>(
        &self,
        result: Result<T, Failure>,
        text: Option<(&[u8], &[u8])>,
    ) -> Result<T, Failed> {
        result.map_err(|failure| {
            self.print_failure(&failure, text);
            Failed
        })
    }

    /// Prints the message of a failure, and its source line where that is wanted.
    pub(crate) fn print_failure(&self, failure: &Failure, text: Option<(&[u8], &[u8])>) {
        self.messages.print(&failure.message);
        if let Some(look) = self.snippets
            && let Some(snippet) = snippet::of_message(&failure.message, text, look)
        {
            self.messages.print_raw(snippet.as_bytes());
        }
    }
}

/// Engine modes: those of the environment first, so that the command line overrides them.
fn engine_modes(invocation: &Invocation) -> Vec<String> {
    let mut lists = Vec::new();
    if !invocation.ignore_environment
        && let Some(value) = std::env::var_os(MODES_VARIABLE)
    {
        lists.push(value.to_string_lossy().into_owned());
    }
    lists.extend(
        invocation
            .modes
            .iter()
            .map(|m| String::from_utf8_lossy(m).into_owned()),
    );
    let modes = lists.iter().flat_map(|list| list.split(','));
    modes
        .filter(|mode| !mode.is_empty())
        .map(str::to_owned)
        .collect()
}
