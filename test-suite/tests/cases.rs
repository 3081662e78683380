//! Runs every text case in every engine mode.
//!
//! `PERILUNE_CASES=word` runs only the cases whose names contain the word.

use perilune_test_suite::{case, mode, parallel};

#[test]
fn every_case_in_every_mode() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let cases = case::find(&folder).expect("cases can be read");
    assert!(cases.len() >= 150, "only {} cases", cases.len());
    let wanted = std::env::var("PERILUNE_CASES").unwrap_or_default();
    let runs: Vec<_> = cases
        .iter()
        .filter(|case| case.name.contains(&wanted))
        .flat_map(|case| mode::MODES.iter().map(move |mode| (case, mode)))
        .filter(|(case, mode)| case.runs_in(mode))
        .collect();
    let failures = parallel::failures(&runs, |(case, mode)| case.check(mode));
    assert!(
        failures.is_empty(),
        "{} of {} fail:\n{}",
        failures.len(),
        runs.len(),
        failures.join("\n")
    );
    println!("{} runs of {} cases", runs.len(), cases.len());
}

#[test]
fn every_case_survives_failing_allocations() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let cases = case::find(&folder).expect("cases can be read");
    // Opening the libraries takes the first ones; `tests/allocation_failures.rs` of the root
    // package makes all of small programs fail.
    let runs: Vec<_> = cases
        .iter()
        .flat_map(|case| [1000, 1400, 2000, 4000, 12000].map(move |n| (case, n)))
        .collect();
    let failures = parallel::failures(&runs, |(case, n)| case.check_failing_allocation(*n));
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
