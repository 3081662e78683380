//! The interactive mode: read a line, try it as an expression, then as a statement that may go
//! on over several lines, run it, print what it gives through Lua's `print`.
//!
//! At a terminal lines come from an editor with history and completion; otherwise they are read
//! from standard input through the state's own `io.stdin`, so that a chunk that reads input and
//! the interactive loop share one buffer. An error never ends the loop; only the end of input
//! does, or an error in the prompt itself.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::rc::Rc;

use rustyline::error::ReadlineError;
use rustyline::history::DefaultHistory;
use rustyline::{CompletionType, Config, Editor};

use super::complete::Completion;
use super::engine::{Engine, Failure, Value};
use super::run::Session;

/// Chunks typed in go by this name.
const CHUNK_NAME: &[u8] = b"=stdin";

/// Runs the loop to the end of input. Fails only where a prompt can't be shown.
pub(crate) fn run(session: &mut Session) -> Result<(), Failure> {
    session.messages.set_named(false);
    let mut lines = Lines::open(&session.engine);
    let outcome = read_and_run(session, &mut lines);
    lines.close();
    outcome?;
    session.engine.write(b"\n");
    session.messages.set_named(true);
    Ok(())
}

fn read_and_run(session: &Session, lines: &mut Lines) -> Result<(), Failure> {
    let engine = &session.engine;
    loop {
        let loaded = match read_chunk(engine, lines)? {
            Entered::Chunk(loaded) => loaded,
            Entered::Nothing => continue,
            Entered::End => return Ok(()),
        };
        match loaded.and_then(|chunk| engine.call(&chunk, &[])) {
            Ok(results) => print_results(session, &results)?,
            // What was typed is still to be seen, so only files are shown.
            Err(failure) => session.print_failure(&failure, None),
        }
    }
}

/// Fails where `print` can't even be looked up.
fn print_results(session: &Session, results: &[Value]) -> Result<(), Failure> {
    if results.is_empty() {
        return Ok(());
    }
    let engine = &session.engine;
    let print = engine.global(b"print")?;
    if let Err(failure) = engine.call_plain(&print, results) {
        let mut message = b"error calling 'print' (".to_vec();
        message.extend_from_slice(&failure.message);
        message.push(b')');
        session.messages.print(&message);
    }
    Ok(())
}

/// What the user has entered.
enum Entered {
    /// A chunk, if it could be compiled.
    Chunk(Result<Value, Failure>),
    /// Something that was abandoned.
    Nothing,
    /// The end of input.
    End,
}

/// Reads one chunk: a line that is an expression, or a statement with as many lines as it takes.
fn read_chunk(engine: &Engine, lines: &mut Lines) -> Result<Entered, Failure> {
    let mut text = match lines.read(engine, true)? {
        Line::Text(text) => text,
        Line::Abandoned => return Ok(Entered::Nothing),
        Line::End => return Ok(Entered::End),
    };
    if text.first() == Some(&b'=') {
        text.splice(..1, *b"return ");
    }
    let expression = [b"return ", text.as_slice(), b";"].concat();
    if let Ok(chunk) = engine.load(&expression, CHUNK_NAME) {
        lines.remember(&text);
        return Ok(Entered::Chunk(Ok(chunk)));
    }
    loop {
        let loaded = engine.load(&text, CHUNK_NAME);
        if let Err(failure) = &loaded
            && failure.incomplete
        {
            match lines.read(engine, false)? {
                Line::Text(more) => {
                    text.push(b'\n');
                    text.extend_from_slice(&more);
                    continue;
                }
                Line::Abandoned => return Ok(Entered::Nothing),
                Line::End => {}
            }
        }
        lines.remember(&text);
        return Ok(Entered::Chunk(loaded));
    }
}

/// What came of an attempt to read a line.
enum Line {
    /// A line, without its line end.
    Text(Vec<u8>),
    /// The user pressed Ctrl-C: what has been typed of the chunk is to be forgotten.
    Abandoned,
    /// The end of input.
    End,
}

/// Where lines come from.
enum Lines {
    /// A terminal, through the line editor.
    Terminal(Box<Terminal>),
    /// Anything else.
    Stream,
}

/// The line editor and its history file.
struct Terminal {
    editor: Editor<Completion, DefaultHistory>,
    history: Option<PathBuf>,
}

impl Lines {
    fn open(engine: &Rc<Engine>) -> Lines {
        if !std::io::stdin().is_terminal() {
            return Lines::Stream;
        }
        let config = Config::builder()
            .completion_type(CompletionType::List)
            .auto_add_history(false)
            .history_ignore_dups(true);
        let Ok(config) = config.map(|builder| builder.build()) else {
            return Lines::Stream;
        };
        let Ok(mut editor) = Editor::with_config(config) else {
            return Lines::Stream;
        };
        editor.set_helper(Some(Completion::new(engine)));
        let history = history_file();
        if let Some(path) = &history {
            // A first session has no history yet.
            editor.load_history(path).ok();
        }
        Lines::Terminal(Box::new(Terminal { editor, history }))
    }

    /// Shows the prompt and reads a line.
    fn read(&mut self, engine: &Engine, first: bool) -> Result<Line, Failure> {
        let prompt = match (engine.prompt(first)?, first) {
            (Some(prompt), _) => prompt,
            (None, true) => b"> ".to_vec(),
            (None, false) => b">> ".to_vec(),
        };
        match self {
            Lines::Stream => {
                engine.write(&prompt);
                Ok(engine.read_line().map_or(Line::End, Line::Text))
            }
            Lines::Terminal(terminal) => {
                engine.write(b"");
                Ok(terminal.read(&String::from_utf8_lossy(&prompt)))
            }
        }
    }

    fn remember(&mut self, text: &[u8]) {
        if let Lines::Terminal(terminal) = self
            && !text.is_empty()
        {
            // History is a convenience: failing to keep it is not worth a message.
            terminal
                .editor
                .add_history_entry(String::from_utf8_lossy(text))
                .ok();
        }
    }

    fn close(&mut self) {
        if let Lines::Terminal(terminal) = self
            && let Some(path) = &terminal.history
        {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder).ok();
            }
            terminal.editor.append_history(path).ok();
        }
    }
}

impl Terminal {
    fn read(&mut self, prompt: &str) -> Line {
        match self.editor.readline(prompt) {
            Ok(line) => Line::Text(line.into_bytes()),
            // As in a shell.
            Err(ReadlineError::Interrupted) => Line::Abandoned,
            Err(_) => Line::End,
        }
    }
}

/// The history's place: the user's state folder.
fn history_file() -> Option<PathBuf> {
    let folder = match std::env::var_os("XDG_STATE_HOME").filter(|value| !value.is_empty()) {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(std::env::var_os("HOME")?)
            .join(".local")
            .join("state"),
    };
    Some(folder.join("perilune").join("history"))
}
