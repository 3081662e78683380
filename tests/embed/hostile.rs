//! Programs that mean harm (`hostile/*.lua`): each runs for ever, or eats memory, and tries to get around
//! being stopped. The first line of a file says which: what runs for ever is stopped by fuel, by a deadline
//! and by an interruption from another thread; what eats memory, also by the memory limit.

use crate::common::state;
use crate::limit::MODES;
use perilune::{Error, Limit, Lua};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

struct Program {
    name: String,
    text: String,
    /// Whether nothing but memory need end it.
    eats_memory: bool,
    /// Whether it takes much memory and gives it back.
    may_eat_memory: bool,
}

fn programs() -> Vec<Program> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/embed/hostile");
    let files = std::fs::read_dir(folder).expect("the folder");
    let mut programs: Vec<Program> = files
        .map(|file| {
            let path = file.expect("a file").path();
            let text = std::fs::read_to_string(&path).expect("a text");
            let kind = text.lines().next().expect("a first line").to_owned();
            assert!(
                [
                    "-- runs for ever",
                    "-- eats memory",
                    "-- runs for ever, with much memory"
                ]
                .contains(&kind.as_str()),
                "{path:?}: {kind}"
            );
            Program {
                name: path
                    .file_stem()
                    .expect("a name")
                    .to_string_lossy()
                    .into_owned(),
                text,
                eats_memory: kind == "-- eats memory",
                may_eat_memory: kind == "-- runs for ever, with much memory",
            }
        })
        .collect();
    programs.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(programs.len() >= 100);
    programs
}

/// Runs all programs in all modes with `limit` set by `set`, which answers what is to be kept meanwhile.
fn all_are_stopped<T>(limit: Limit, wanted: impl Fn(&Program) -> bool, set: impl Fn(&Lua) -> T) {
    let mut failures = Vec::new();
    for modes in MODES {
        for program in programs().iter().filter(|program| wanted(program)) {
            let lua = state(modes);
            let began = Instant::now();
            let kept = set(&lua);
            let outcome = lua.load(program.text.as_str()).exec();
            let is_right = match &outcome {
                Err(Error::LimitReached(reached)) => *reached == limit,
                _ => false,
            };
            if !is_right || began.elapsed() > Duration::from_secs(20) {
                failures.push(format!(
                    "{modes:?}: {}: {outcome:?}, {:?}",
                    program.name,
                    began.elapsed()
                ));
            }
            if let Err(error) = lua.check_heap() {
                failures.push(format!("{modes:?}: {}: {error}", program.name));
            }
            // Finalisers run, and are stopped as well.
            drop(lua);
            drop(kept);
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn hostile_programs_are_stopped_by_fuel() {
    all_are_stopped(Limit::Fuel, |_| true, |lua| lua.set_fuel(Some(20_000)));
}

#[test]
fn hostile_programs_are_stopped_by_a_deadline() {
    all_are_stopped(
        Limit::Deadline,
        |program| !program.eats_memory,
        |lua| {
            lua.set_memory_limit(256 << 20).expect("a limit");
            lua.set_deadline(Some(Instant::now() + Duration::from_millis(4)))
                .expect("a clock");
        },
    );
}

/// Interrupts a state again and again.
struct Interrupter {
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Interrupter {
    fn new(lua: &Lua) -> Interrupter {
        lua.set_limit_catchable(Limit::Interrupt, false);
        let (handle, stop) = (lua.interrupt_handle(), Arc::new(AtomicBool::new(false)));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(2));
                handle.interrupt();
            }
        });
        Interrupter {
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for Interrupter {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("no panic");
        }
    }
}

#[test]
fn hostile_programs_are_stopped_from_another_thread() {
    all_are_stopped(
        Limit::Interrupt,
        |program| !program.eats_memory,
        |lua| {
            lua.set_memory_limit(256 << 20).expect("a limit");
            Interrupter::new(lua)
        },
    );
}

#[test]
fn hostile_programs_are_stopped_by_the_memory_limit() {
    all_are_stopped(
        Limit::Memory,
        |program| program.eats_memory && !program.may_eat_memory,
        |lua| {
            lua.set_limit_catchable(Limit::Memory, false);
            lua.set_memory_limit(lua.used_memory() + (1 << 20))
                .expect("a limit");
        },
    );
}
