//! The command line: the stand-alone interpreter as users of `lua` know it.
//!
//! One file per concern: `flags` holds the one table of options and reads a command line with
//! it, `run` carries out what was read, `repl` is the interactive mode (`complete` is its Tab
//! key), `manual` derives the manual page and shell completions from the table, `diagnostics`
//! says how messages look, and `engine` is the only file that talks to the library.

mod complete;
mod diagnostics;
mod engine;
mod flags;
mod manual;
mod repl;
mod run;

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the program on the process's arguments.
pub(crate) fn main() -> ExitCode {
    // A program whose output nobody reads ends, as any filter does.
    perilune::program::default_broken_pipe();
    let arguments: Vec<Vec<u8>> = std::env::args_os().map(argument_bytes).collect();
    run::run(&arguments)
}

/// Lua strings are bytes, so arguments are too. Where the system's strings are not bytes they
/// become UTF-8, replacing what has no such form.
fn argument_bytes(argument: OsString) -> Vec<u8> {
    #[cfg(unix)]
    {
        std::os::unix::ffi::OsStringExt::into_vec(argument)
    }
    #[cfg(not(unix))]
    {
        argument.to_string_lossy().into_owned().into_bytes()
    }
}
