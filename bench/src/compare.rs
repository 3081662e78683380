//! Runs the programs under all engines and prints the table.

use std::ffi::OsString;

use crate::engine::{self, Engine};
use crate::measure::{self, Run};
use crate::options::Options;
use crate::programs;

/// Start-up is so short that many runs are needed, and cheap.
const START_UP_RUNS: usize = 150;

/// The best of several runs under one engine.
type Best = Result<Run, String>;

/// Compares; says whether every program ran everywhere with the same result.
pub(crate) fn run(options: &Options) -> Result<bool, String> {
    let mut engines = vec![engine::perilune(options.modes.as_deref())?];
    for name in &options.peers {
        match engine::peer(name) {
            Some(peer) => engines.push(peer),
            None => println!("{name} is not installed: left out"),
        }
    }
    let programs = programs::find(&options.programs, &options.names, options.quick)?;
    print_header(&engines);
    let mut summary = Summary::new(engines.len());
    for program in &programs {
        let arguments = program.arguments();
        let results = alternate(&engines, &arguments, options.runs);
        summary.add(&program.name, &results);
    }
    let start_up = alternate(&engines, &["-e".into(), "".into()], START_UP_RUNS);
    summary.print(&start_up);
    Ok(summary.agrees)
}

/// Runs every engine in turn, `runs` times round. An engine that fails is not run again.
fn alternate(engines: &[Engine], arguments: &[OsString], runs: usize) -> Vec<Best> {
    let mut best: Vec<Option<Best>> = engines.iter().map(|_| None).collect();
    for _ in 0..runs {
        for (engine, best) in engines.iter().zip(&mut best) {
            if matches!(best, Some(Err(_))) {
                continue;
            }
            let run = measure::run(&mut engine.command(arguments));
            *best = Some(match (best.take(), run) {
                (Some(Ok(old)), Ok(new)) => Ok(better(old, new)),
                (_, run) => run,
            });
        }
    }
    best.into_iter()
        .map(|best| best.unwrap_or(Err("never ran".to_owned())))
        .collect()
}

/// The faster run's time, with the larger of the peaks.
fn better(old: Run, new: Run) -> Run {
    let peak_memory = old.peak_memory.max(new.peak_memory);
    let faster = if new.time < old.time { new } else { old };
    Run {
        peak_memory,
        ..faster
    }
}

fn print_header(engines: &[Engine]) {
    let mut header = format!("{:<16}", "milliseconds");
    for engine in engines {
        header += &format!("{:>10}", engine.name);
    }
    for engine in &engines[1..] {
        header += &format!("{:>12}", format!("x {}", engine.name));
    }
    header += &format!("{:>10}", "MiB");
    for engine in &engines[1..] {
        header += &format!("{:>14}", format!("memory/{}", engine.name));
    }
    println!("{header}");
}

/// Ratios gathered for the last lines of the table.
struct Summary {
    speed: Vec<Vec<f64>>,
    memory: Vec<Vec<f64>>,
    agrees: bool,
}

impl Summary {
    fn new(engines: usize) -> Summary {
        let peers = engines.saturating_sub(1);
        Summary {
            speed: vec![Vec::new(); peers],
            memory: vec![Vec::new(); peers],
            agrees: true,
        }
    }

    fn add(&mut self, name: &str, results: &[Best]) {
        let mut row = format!("{name:<16}");
        for result in results {
            row += &match result {
                Ok(run) => format!("{:>10.1}", run.time.as_secs_f64() * 1e3),
                Err(_) => format!("{:>10}", "failed"),
            };
        }
        let mut notes = String::new();
        for problem in results.iter().filter_map(|result| result.as_ref().err()) {
            notes += &format!("  {problem}");
        }
        let ours = results[0].as_ref().ok();
        let mut memory = ours
            .and_then(|run| run.peak_memory)
            .map_or(format!("{:>10}", "-"), |kib| {
                format!("{:>10.1}", kib as f64 / 1024.0)
            });
        for (peer, result) in results[1..].iter().enumerate() {
            let pair = ours.zip(result.as_ref().ok());
            let speed =
                pair.map(|(ours, peers)| peers.time.as_secs_f64() / ours.time.as_secs_f64());
            row += &cell(speed, 12, &mut self.speed[peer]);
            let ratio = pair.and_then(|(ours, peers)| {
                Some(ours.peak_memory? as f64 / peers.peak_memory?.max(1) as f64)
            });
            memory += &cell(ratio, 14, &mut self.memory[peer]);
            if pair.is_some_and(|(ours, peers)| ours.output != peers.output) {
                notes += "  results differ";
            }
        }
        self.agrees &= notes.is_empty();
        println!("{row}{memory}{notes}");
    }

    fn print(&self, start_up: &[Best]) {
        let width = 16 + 10 * start_up.len();
        let line = |title: &str, cells: Vec<Option<f64>>| {
            let mut text = format!("{title:<width$}");
            for value in cells {
                text += &cell(value, 12, &mut Vec::new());
            }
            println!("{text}");
        };
        line(
            "geometric mean of speed ratios",
            self.speed.iter().map(|r| mean(r)).collect(),
        );
        line(
            "slowest",
            self.speed
                .iter()
                .map(|r| r.iter().copied().reduce(f64::min))
                .collect(),
        );
        line(
            "geometric mean of memory ratios",
            self.memory.iter().map(|r| mean(r)).collect(),
        );
        let ours = start_up.first().and_then(|result| result.as_ref().ok());
        let times = start_up.iter().skip(1).map(|result| {
            let pair = ours.zip(result.as_ref().ok());
            pair.map(|(ours, peers)| ours.time.as_secs_f64() / peers.time.as_secs_f64())
        });
        line("start-up time ratio (below 1: faster)", times.collect());
        if let Some(run) = ours {
            println!("start-up: {:.2} ms", run.time.as_secs_f64() * 1e3);
        }
    }
}

fn cell(value: Option<f64>, width: usize, gathered: &mut Vec<f64>) -> String {
    match value {
        Some(value) => {
            gathered.push(value);
            format!("{value:>width$.2}")
        }
        None => format!("{:>width$}", "-"),
    }
}

fn mean(ratios: &[f64]) -> Option<f64> {
    let logarithms: f64 = ratios.iter().map(|ratio| ratio.ln()).sum();
    (!ratios.is_empty()).then(|| (logarithms / ratios.len() as f64).exp())
}

#[cfg(test)]
mod tests {
    use super::mean;

    #[test]
    fn the_mean_is_geometric() {
        assert_eq!(mean(&[]), None);
        let value = mean(&[2.0, 8.0]).unwrap_or_default();
        assert!((value - 4.0).abs() < 1e-12);
    }
}
