//! The command line: the stand-alone interpreter as users of `lua` know it.
//!
//! One file per concern: `flags` holds the one table of options and reads a command line with
//! it, `run` carries out what was read, `repl` is the interactive mode (`complete` is its Tab
//! key), `manual` has the texts of the manual page, and `engine` is the only file that talks to
//! the library.

mod complete;
mod engine;
mod flags;
mod manual;
mod repl;
mod run;

use perilune::program;

/// Runs the program on the process's arguments; answers its exit status.
pub(crate) fn main() -> u8 {
    // A program whose output nobody reads ends, as any filter does.
    program::default_broken_pipe();
    let arguments: Vec<Vec<u8>> = std::env::args_os().map(program::argument_bytes).collect();
    run::run(&arguments)
}
