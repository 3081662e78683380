//! How much memory a process takes while a program fills a state up to its limit: each pattern runs in a
//! process of its own, with and without the compiler, and its resident memory may grow by the limit, a
//! twentieth of it, and [`FIXED`] for what does not depend on the limit.
//!
//! The test is a program without libtest, so that states are on the main thread, as they are in most
//! programs. It runs itself for each pattern.

use super::patterns::PATTERNS;
use perilune::{Lua, Options, UserData};
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The limit.
const LIMIT: usize = 64 << 20;
/// The part of the limit by which a process may grow.
const FACTOR: f64 = 1.05;
/// Growth for what does not depend on the limit: pages of the program's own text and data that are used for
/// the first time, the allocator's own pages, machine code's spare room.
const FIXED: usize = 2 << 20;
/// Engine modes.
const MODES: &[&str] = &["off", "hot=2"];

struct Point {
    _x: i64,
    _y: [u8; 70],
}

impl UserData for Point {}

/// A field of `/proc/self/status`, in bytes.
fn status(field: &str) -> Option<usize> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find(|line| line.starts_with(field))?;
    let kibibytes: usize = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes << 10)
}

/// Runs a pattern here, and prints by how much the process grew at most.
fn run(text: &str, mode: &str) -> ExitCode {
    let before = status("VmRSS:").expect("a number");
    let options = Options::new().with_mode(mode).expect("a mode");
    let lua = Lua::with_options(&options).expect("a state");
    let new = lua.create_function(|_, n: i64| Ok(Point { _x: n, _y: [0; 70] }));
    lua.globals()
        .set("new", new.expect("a function"))
        .expect("set");
    lua.set_memory_limit(LIMIT).expect("a limit");
    let outcome = lua.load(text).exec();
    let text = outcome
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default();
    let line = text.lines().next().unwrap_or_default();
    let used = lua.used_memory();
    let peak = status("VmHWM:").unwrap_or_default();
    println!("{} {used} {line}", peak - before);
    ExitCode::SUCCESS
}

/// By how much the process of a pattern grows, and how much is in use at its end.
fn measure(name: &str, mode: &str) -> Result<(usize, usize), String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new(program)
        .env("PERILUNE_RESIDENT", format!("{name}/{mode}"))
        .output()
        .map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut words = text.split_whitespace();
    let mut next = || words.next().and_then(|word| word.parse::<usize>().ok());
    match (next(), next()) {
        (Some(grown), Some(used)) => Ok((grown, used)),
        _ => Err(format!("{text} {output:?}")),
    }
}

/// Measures all patterns, several at once, and prints how much each took: how many took too much.
fn measure_all(allocator: &str, known: &[(&str, f64)]) -> usize {
    let next = AtomicUsize::new(0);
    let failures = AtomicUsize::new(0);
    let work = || {
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            let (Some((name, _)), Some(mode)) =
                (PATTERNS.get(n / MODES.len()), MODES.get(n % MODES.len()))
            else {
                return;
            };
            let factor = known.iter().find(|k| k.0 == *name).map_or(FACTOR, |k| k.1);
            let (is_right, line) = match measure(name, mode) {
                Ok((grown, used)) => (
                    grown <= (LIMIT as f64 * factor) as usize + FIXED,
                    format!(
                        "grows by {:.3} of the limit; {:.3} are in use at the end",
                        grown as f64 / LIMIT as f64,
                        used as f64 / LIMIT as f64
                    ),
                ),
                Err(problem) => (false, problem),
            };
            let remark = if is_right { "" } else { ": TOO MUCH" };
            println!("{allocator:8} {mode:3} {name:16} {line}{remark}");
            failures.fetch_add(usize::from(!is_right), Ordering::Relaxed);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(work);
        }
    });
    failures.into_inner()
}

/// Measures all patterns; those in `known` may grow by another factor of the limit.
pub(crate) fn main(allocator: &str, known: &[(&str, f64)]) -> ExitCode {
    if let Ok(job) = std::env::var("PERILUNE_RESIDENT") {
        let (name, mode) = job.split_once('/').expect("a pattern and a mode");
        let (_, text) = PATTERNS
            .iter()
            .find(|pattern| pattern.0 == name)
            .expect("a pattern");
        return run(text, mode);
    }
    if status("VmHWM:").is_none() {
        println!("skipped: resident memory is read from Linux's /proc");
        return ExitCode::SUCCESS;
    }
    match measure_all(allocator, known) {
        0 => ExitCode::SUCCESS,
        failures => {
            println!("{failures} patterns take too much");
            ExitCode::FAILURE
        }
    }
}
