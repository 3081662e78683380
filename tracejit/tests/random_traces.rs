//! Random traces, written as the recorder writes them, mean the same before and after the optimiser,
//! whichever passes run.

mod generator;

use generator::Generator;
use perilune_tracejit::ir::eval::{self, agree};
use perilune_tracejit::ir::parse::parse;
use perilune_tracejit::ir::verify::verify;
use perilune_tracejit::ir::world::World;
use perilune_tracejit::opt::{Passes, Workspace, optimise, optimise_observed};

/// The passes that are combined.
const PASSES: &[&str] = &[
    "fold", "cse", "guards", "memory", "peel", "alias", "bounds", "sink", "dce",
];
/// Worlds in which each trace is evaluated.
const WORLDS: u64 = 4;

fn subset(bits: u32) -> Passes {
    let mut passes = Passes::none();
    for (n, pass) in PASSES.iter().enumerate() {
        passes.set(pass, bits >> n & 1 != 0);
    }
    passes
}

/// Checks the trace of a seed under these subsets of the passes.
fn check(seed: u64, subsets: impl Iterator<Item = u32>) {
    let trace = Generator::new(seed).trace();
    verify(&trace).unwrap_or_else(|problem| panic!("seed {seed}: {problem}\n{trace}"));
    let world = |n, passes: &Passes| {
        let world = World::new(seed ^ n << 40, 1 + (seed ^ n) as u32 % 5);
        // Who makes fewer objects finds less often that there is no memory.
        if passes.sink {
            world.with_memory()
        } else {
            world
        }
    };
    let run = |passes| -> Vec<_> {
        let worlds = (0..WORLDS).map(|n| world(n, passes));
        worlds
            .map(|world| eval::run(&trace, world, 8, true))
            .collect()
    };
    let none = Passes::none();
    let sunk = Passes { sink: true, ..none };
    let (as_made, as_sunk) = (run(&none), run(&sunk));
    for bits in subsets {
        let passes = subset(bits);
        let expected = if passes.sink { &as_sunk } else { &as_made };
        let new = optimise(trace.clone(), &passes);
        let mut outcome = verify(&new);
        for (n, expected) in expected.iter().enumerate() {
            outcome = outcome.and_then(|()| {
                let actual = eval::run(&new, world(n as u64, &passes), 8, false);
                agree(expected, &actual, may_leave_early(&passes))
            });
        }
        if let Err(problem) = outcome {
            panic!("seed {seed}, {passes:?}\n{problem}\n{trace}\n{new}");
        }
    }
}

/// Whether passes ran that may leave a trace before they must.
fn may_leave_early(passes: &Passes) -> bool {
    passes.guards || passes.alias || passes.bounds || passes.sink
}

#[test]
fn every_subset_of_the_passes_keeps_the_meaning() {
    for seed in 0..300 {
        check(seed, 0..1 << PASSES.len());
    }
}

#[test]
fn many_traces_keep_their_meaning() {
    let all = (1 << PASSES.len()) - 1;
    for seed in 1000..15_000 {
        // All passes, all but one, and one alone.
        let n = seed as usize % PASSES.len();
        check(seed, [all, all & !(1 << n), 1 << n].into_iter());
    }
}

#[test]
fn every_pass_leaves_a_well_formed_trace_that_can_be_printed_and_parsed() {
    for seed in 5000..5500 {
        let trace = Generator::new(seed).trace();
        let mut check = |pass: &str, trace: &_| {
            verify(trace).unwrap_or_else(|problem| panic!("{seed}, {pass}: {problem}\n{trace}"));
            let text = trace.to_string();
            let again = parse(&text).unwrap_or_else(|problem| panic!("{problem}\n{text}"));
            assert_eq!(again.to_string(), text);
        };
        check("generating", &trace);
        let unobserved = optimise(trace.clone(), &Passes::default());
        let new = optimise_observed(
            trace,
            &Passes::default(),
            &mut Workspace::default(),
            Some(&mut check),
        );
        assert_eq!(new.to_string(), unobserved.to_string(), "seed {seed}");
    }
}
