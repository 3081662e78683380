//! Measures how long loading takes: `load_time file.lua [runs]`.

use std::time::Instant;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let Some(path) = arguments.next() else {
        eprintln!("usage: load_time file.lua [runs]");
        return;
    };
    let runs: usize = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(5);
    let source = match std::fs::read(&path) {
        Ok(source) => source,
        Err(error) => return eprintln!("{path}: {error}"),
    };
    for _ in 0..runs {
        let start = Instant::now();
        let parsed = perilune_frontend::parse(&source, b"=file").is_ok();
        let parse = start.elapsed();
        let start = Instant::now();
        let compiled = perilune_frontend::compile(&source, b"=file").map(|p| p.protos.len());
        println!(
            "parse {parse:?} ({parsed}), all {:?} ({compiled:?})",
            start.elapsed()
        );
    }
}
