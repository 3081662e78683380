//! The `perilunec` program: compiles Lua files without running them, as `luac` does.
//!
//! Every input is compiled before anything is listed or written, so that an error leaves no
//! output behind.

mod flags;
mod manual;

use std::fs::File;
use std::io::Write;
use std::process::ExitCode;

use flags::{Complaint, Invocation, PrintRequest, Request};
use manual::MANUAL;
use perilune::program;
use perilune::program::chunk::CompiledChunk;
use perilune::program::messages::{Messages, VERSION};
use perilune::program::snippet::{self, Look};

/// The chunk name of several files in one, as tracebacks of the reference implementation have it.
const COMBINED_NAME: &[u8] = b"=(luac)";

fn main() -> ExitCode {
    // A program whose output nobody reads ends, as any filter does.
    program::default_broken_pipe();
    let arguments: Vec<Vec<u8>> = std::env::args_os().map(program::argument_bytes).collect();
    let messages = Messages::new(arguments.first().map(Vec::as_slice), "perilunec");
    let (outcome, snippets) = match flags::parse(&arguments) {
        Request::Complain(complaint) => {
            complain(&messages, &complaint);
            return ExitCode::FAILURE;
        }
        Request::Print(request) => (print(&messages, request), Some(false)),
        Request::Compile(invocation) => (compile(&invocation), invocation.snippets),
    };
    let Err(message) = outcome else {
        return ExitCode::SUCCESS;
    };
    messages.print(&message);
    if let Some(look) = Look::of_standard_error(snippets)
        && let Some(snippet) = snippet::of_message(&message, None, look)
    {
        messages.print_raw(snippet.as_bytes());
    }
    ExitCode::FAILURE
}

fn complain(messages: &Messages, complaint: &Complaint) {
    messages.print(&complaint.message());
    messages.print_raw(flags::usage(&messages.program()).as_bytes());
}

/// Prints what an option asks for instead of compiling.
fn print(messages: &Messages, request: PrintRequest) -> Result<(), Vec<u8>> {
    let text = match request {
        PrintRequest::Help => format!("{VERSION}\n{}", flags::usage(&messages.program())),
        PrintRequest::Version => format!("{VERSION}\n"),
        PrintRequest::Manual => MANUAL.page(),
        PrintRequest::Completions(shell) => MANUAL.completions(&shell).ok_or_else(|| {
            let shell = String::from_utf8_lossy(&shell);
            format!("no completions for shell '{shell}'").into_bytes()
        })?,
    };
    write_standard_output(text.as_bytes())
}

fn compile(invocation: &Invocation) -> Result<(), Vec<u8>> {
    if invocation.show_version {
        write_standard_output(format!("{VERSION}\n").as_bytes())?;
    }
    if invocation.inputs.is_empty() {
        return Ok(());
    }
    let mut chunks = Vec::new();
    for input in &invocation.inputs {
        chunks.push(CompiledChunk::from_file(
            Some(input.as_slice()).filter(|name| *name != b"-"),
        )?);
    }
    let chunk = CompiledChunk::combine(chunks, COMBINED_NAME)?;
    if invocation.listings > 0 {
        let listing = chunk.listing(invocation.listings > 1);
        write_standard_output(format!("\n{listing}").as_bytes())?;
    }
    if invocation.writes {
        write(invocation, &chunk.binary(invocation.strip))?;
    }
    Ok(())
}

/// Writes the binary chunk.
fn write(invocation: &Invocation, binary: &[u8]) -> Result<(), Vec<u8>> {
    let name = invocation.output.as_slice();
    if name == b"-" {
        return write_standard_output(binary);
    }
    let problem = |what: &str, error: &std::io::Error| {
        let reason = program::error_text(error);
        [what.as_bytes(), b" ", name, b": ", reason.as_bytes()].concat()
    };
    let mut file = File::create(program::path_from_bytes(name))
        .map_err(|error| problem("cannot open", &error))?;
    file.write_all(binary)
        .map_err(|error| problem("cannot write", &error))
}

fn write_standard_output(bytes: &[u8]) -> Result<(), Vec<u8>> {
    let mut stream = std::io::stdout().lock();
    stream
        .write_all(bytes)
        .and_then(|()| stream.flush())
        .map_err(|error| format!("cannot write (stdout): {}", program::error_text(&error)).into())
}
