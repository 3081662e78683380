//! `bench compile`: how long the tracing compiler takes, by stage, for 100 bytecode instructions.
//!
//! The program `compile/plain.lua` has loops of about 100 instructions of one kind of work, the program
//! `compile/loops.lua` many loops that differ, both do little else. Programs of the comparison are
//! measured when they are named. The times are the compiler's own, from `-j stats=json`:
//! what recording, optimising and assembling took in all, over the bytecode instructions that were
//! recorded, also by recordings that were given up. Of several runs the one counts that took least in
//! all. Builds to be compared run in turn, so that a change in the machine's speed hits all alike.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::engine::{self, Engine};
use crate::measure;
use crate::options::Options;
use crate::programs;

/// Kinds of work that `compile/plain.lua` knows.
const KINDS: &[&str] = &["integers", "floats", "fields", "elements", "calls", "mixed"];

/// Programs that are measured unless others are named: those with the most traces.
const USUAL: &[&str] = &["cd", "deltablue", "havlak", "json", "richards"];

/// What one run told.
struct Told {
    traces: u64,
    bytecodes: u64,
    /// Recording, optimising, assembling: nanoseconds.
    stages: [u64; 3],
}

impl Told {
    fn read(report: &str) -> Option<Told> {
        let value = |name: &str| -> Option<u64> {
            let (_, rest) = report.split_once(&format!("\"{name}\":"))?;
            let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
            digits.parse().ok()
        };
        Some(Told {
            traces: value("traces")?,
            bytecodes: value("bytecodes")?,
            stages: [
                value("record_ns")?,
                value("optimise_ns")?,
                value("assemble_ns")?,
            ],
        })
    }

    fn total(&self) -> u64 {
        self.stages.iter().sum()
    }
}

/// Measures; says whether every program ran.
pub(crate) fn run(options: &Options) -> Result<bool, String> {
    let modes = options.modes.iter().map(String::as_str);
    let modes: Vec<&str> = modes.chain(["stats=json"]).collect();
    let mut engines = vec![engine::perilune(Some(&modes.join(",")))?];
    for build in &options.against {
        engines.push(Engine {
            name: build.display().to_string(),
            program: build.clone().into_os_string(),
            arguments: engines[0].arguments.clone(),
        });
    }
    println!(
        "{:<14}{:>8}{:>11}{:>10}{:>10}{:>10}{:>10}   microseconds for 100 bytecodes",
        "", "traces", "bytecodes", "record", "optimise", "assemble", "all"
    );
    let mut complete = true;
    for (name, arguments) in programs_of(options)? {
        let results = in_turn(&engines, &arguments, options.runs);
        for (engine, result) in engines.iter().zip(results) {
            complete &= result.is_ok();
            let shown = if engines.len() > 1 { &engine.name } else { "" };
            println!("{name:<14}{}   {shown}", row(result));
        }
    }
    Ok(complete)
}

/// Names and command lines.
fn programs_of(options: &Options) -> Result<Vec<(String, Vec<OsString>)>, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("compile");
    let (plain, loops) = (folder.join("plain.lua"), folder.join("loops.lua"));
    let number: Option<OsString> = options.quick.then(|| "10".into());
    let with_number = |arguments: Vec<OsString>| arguments.into_iter().chain(number.clone());
    let mut all: Vec<(String, Vec<OsString>)> = Vec::new();
    for &kind in KINDS {
        let arguments = vec![plain.clone().into_os_string(), kind.into()];
        all.push((kind.to_owned(), with_number(arguments).collect()));
    }
    let arguments = with_number(vec![loops.into_os_string()]).collect();
    all.push(("loops".to_owned(), arguments));
    let names: Vec<String> = match options.names.is_empty() {
        true => USUAL.iter().map(|&name| name.to_owned()).collect(),
        false => options.names.clone(),
    };
    for program in programs::find(&options.programs, &names, options.quick)? {
        let arguments = program.arguments();
        all.push((program.name, arguments));
    }
    Ok(all)
}

fn in_turn(engines: &[Engine], arguments: &[OsString], runs: usize) -> Vec<Result<Told, String>> {
    let mut best: Vec<Result<Told, String>> = Vec::new();
    for n in 0..runs {
        for (place, engine) in engines.iter().enumerate() {
            let run = measure::run(&mut engine.command(arguments))
                .and_then(|run| Told::read(&run.messages).ok_or("tells no times".to_owned()));
            if n == 0 {
                best.push(run);
            } else if let (Ok(told), Ok(known)) = (&run, &best[place])
                && told.total() < known.total()
            {
                best[place] = run;
            }
        }
    }
    best
}

fn row(result: Result<Told, String>) -> String {
    let told = match result {
        Ok(told) => told,
        Err(problem) => return format!("  {problem}"),
    };
    let hundreds = told.bytecodes.max(1) as f64 / 100.0;
    let mut row = format!("{:>8}{:>11}", told.traces, told.bytecodes);
    for ns in told.stages.into_iter().chain([told.total()]) {
        row += &format!("{:>10.1}", ns as f64 / 1e3 / hundreds);
    }
    row
}

/// Another build to measure.
pub(crate) fn build(path: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(path);
    match path.is_file() {
        true => Ok(path),
        false => Err(format!("no program '{}'", path.display())),
    }
}
