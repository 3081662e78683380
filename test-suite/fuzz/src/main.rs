//! Differential fuzzing: generated and mutated programs, run by Perilune and by the reference
//! implementation. See CONTRIBUTING.md for the commands, and `--help`.

#![forbid(unsafe_code)]

mod bytes;
mod campaign;
mod engine;
mod generator;
mod options;
mod oracle;
mod random;
mod reduce;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use campaign::{Comparison, Difference};
use engine::{Engine, Mode, Outcome};
use options::{Options, Target};
use oracle::Features;
use perilune_test_suite::{program, reference};

fn main() -> ExitCode {
    let outcome = Options::read(std::env::args().skip(1)).and_then(|options| run(&options));
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::from(2)
        }
    }
}

/// Does what is asked; answers whether no difference was found.
fn run(options: &Options) -> Result<bool, String> {
    let features = if options.slow {
        Features::all_of_them()
    } else {
        Features::usual()
    };
    let generated = |seed: u64| generator::program(seed, &features).into_bytes();
    match options.target {
        Target::Help => {
            println!("{}", options::USAGE);
            Ok(true)
        }
        Target::Show => {
            print!(
                "{}",
                String::from_utf8_lossy(&generated(options.seeds.start))
            );
            Ok(true)
        }
        Target::Programs => compare(options, Mode::Run, &generated),
        Target::Bytes => {
            let corpus = corpus()?.1;
            let mutated = |seed: u64| bytes::program(seed, &corpus);
            compare(options, Mode::Compile, &mutated)
        }
        Target::Chunks => damage_chunks(options),
    }
}

fn compare(
    options: &Options,
    mode: Mode,
    text: &(dyn Fn(u64) -> Vec<u8> + Sync),
) -> Result<bool, String> {
    let harness = script("harness.lua", include_str!("harness.lua"))?;
    let comparison = Comparison {
        reference: Engine {
            program: reference::lua().clone()?,
            arguments: Vec::new(),
            harness: harness.clone(),
        },
        perilune: Engine {
            program: program::perilune().to_path_buf(),
            arguments: options.engine_arguments.clone(),
            harness,
        },
        mode,
    };
    let started = Instant::now();
    let (compared, differences) = comparison.campaign(options.seeds.clone(), options.time, text)?;
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{compared} programs compared in {seconds:.0} s ({:.0} a second), seeds from {}, generator {}: {} differences",
        compared as f64 / seconds.max(0.001),
        options.seeds.start,
        generator::VERSION,
        differences.len()
    );
    for (number, difference) in differences.iter().enumerate() {
        // Reducing takes a while, and one cause often shows many times.
        show(&comparison, difference, options.reduces && number < 3)?;
    }
    Ok(differences.is_empty())
}

fn show(comparison: &Comparison, found: &Difference, reduces: bool) -> Result<(), String> {
    let (mut text, mut outcomes) = (
        found.program.clone(),
        (found.expected.clone(), found.actual.clone()),
    );
    if reduces && comparison.mode == Mode::Run {
        text = reduce::reduce(comparison, &text)?;
        if let Some(pair) = comparison.run(std::slice::from_ref(&text))?.pop() {
            outcomes = pair;
        }
    }
    println!("=== seed {}", found.seed);
    println!("{}", String::from_utf8_lossy(&text));
    println!(
        "--- reference\n{}",
        first_difference(&outcomes.0, &outcomes.1)
    );
    println!(
        "--- perilune\n{}",
        first_difference(&outcomes.1, &outcomes.0)
    );
    Ok(())
}

/// The lines of `one` from shortly before it parts from `other`.
fn first_difference(one: &Outcome, other: &Outcome) -> String {
    let text = |outcome: &Outcome| match outcome {
        Outcome::Report(report) => String::from_utf8_lossy(report).into_owned(),
        Outcome::Died(how) => format!("died: {how}"),
    };
    let (one, other) = (text(one), text(other));
    let same = one
        .lines()
        .zip(other.lines())
        .take_while(|(a, b)| a == b)
        .count();
    let lines: Vec<&str> = one.lines().skip(same.saturating_sub(1)).take(6).collect();
    lines.join("\n")
}

/// Writes a script beside the build results, where processes find it.
fn script(name: &str, text: &str) -> Result<PathBuf, String> {
    let folder = program::target_folder().join("fuzz");
    let path = folder.join(format!("{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder)
        .and_then(|()| std::fs::write(&path, text))
        .map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path)
}

/// The Lua files of the text cases: their paths and contents.
fn corpus() -> Result<(Vec<PathBuf>, Vec<Vec<u8>>), String> {
    let mut paths = Vec::new();
    collect(&program::workspace().join("test-suite/cases"), &mut paths);
    paths.sort();
    let texts = paths
        .iter()
        .map(|path| std::fs::read(path).map_err(|error| format!("{}: {error}", path.display())))
        .collect::<Result<_, _>>()?;
    Ok((paths, texts))
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "lua") {
            paths.push(path);
        }
    }
}

/// Loads damaged binary chunks, in processes of some thousand.
fn damage_chunks(options: &Options) -> Result<bool, String> {
    const STEP: u64 = 2000;
    let script = script("chunks.lua", include_str!("chunks.lua"))?;
    let paths = corpus()?.0;
    let started = Instant::now();
    let mut seed = options.seeds.start;
    while seed < options.seeds.end && options.time.is_none_or(|time| started.elapsed() < time) {
        let count = STEP.min(options.seeds.end - seed);
        let mut command = Command::new(program::perilune());
        command
            .args(&options.engine_arguments)
            .arg(&script)
            .args([seed.to_string(), count.to_string()])
            .args(&paths);
        let done = program::run(&mut command, b"", Duration::from_secs(300))
            .map_err(|problem| format!("seeds {seed}..{}: {problem}", seed + count))?;
        if done.status != Some(0) {
            let errors = String::from_utf8_lossy(&done.errors).into_owned();
            println!(
                "seeds {seed}..{}: {:?}\n{errors}",
                seed + count,
                done.status
            );
            return Ok(false);
        }
        seed += count;
    }
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "damaged chunks {}..{seed} in {seconds:.0} s: no crash",
        options.seeds.start
    );
    Ok(true)
}
