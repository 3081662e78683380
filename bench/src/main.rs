//! `bench compare`: the same programs under Perilune and its peers, side by side.
//!
//! Runs alternate between the engines (A B A B), so that a change in the machine's speed hits all
//! of them alike, and the fastest run of each counts. Every program prints a result, and results
//! must agree. The table gives times and ratios (above 1: Perilune is faster), their geometric
//! mean, the ratio of peak memory, and the ratio of start-up times.
//!
//! `bench compile`: how long the tracing compiler takes; see [`compile`].

mod compare;
mod compile;
mod engine;
mod measure;
mod options;
mod programs;

use options::Command;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = options::Options::read(&arguments).and_then(|options| match options {
        Some(options) if options.command == Command::Compile => compile::run(&options),
        Some(options) => compare::run(&options),
        None => {
            print!("{}", options::USAGE);
            Ok(true)
        }
    });
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("bench: {problem}");
            ExitCode::FAILURE
        }
    }
}
