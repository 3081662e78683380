//! Campaigns: ranges of seeds, in batches, on all processors.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::engine::{Engine, Mode, Outcome};

/// How many programs a process gets.
const BATCH: u64 = 200;
/// A campaign ends after so many differences.
const ENOUGH: usize = 20;

/// A program on which the two sides differ.
#[derive(Debug)]
pub(crate) struct Difference {
    /// Its seed.
    pub(crate) seed: u64,
    /// Its text.
    pub(crate) program: Vec<u8>,
    /// What the reference implementation did.
    pub(crate) expected: Outcome,
    /// What Perilune did.
    pub(crate) actual: Outcome,
}

/// Two implementations to compare.
#[derive(Debug)]
pub(crate) struct Comparison {
    /// The reference implementation.
    pub(crate) reference: Engine,
    /// Perilune.
    pub(crate) perilune: Engine,
    /// What is done with programs.
    pub(crate) mode: Mode,
}

impl Comparison {
    /// Runs `programs` on both sides; answers the outcomes in pairs, the reference's first.
    ///
    /// # Errors
    /// When an engine does not start.
    pub(crate) fn run(&self, programs: &[Vec<u8>]) -> Result<Vec<(Outcome, Outcome)>, String> {
        let expected = self.reference.run(programs, self.mode)?;
        let actual = self.perilune.run(programs, self.mode)?;
        Ok(expected.into_iter().zip(actual).collect())
    }

    /// Whether the reference implementation always does the same with a program. Its hash values, and
    /// hence the order of traversals, are random, and some programs notice.
    fn is_settled(&self, program: &[u8], expected: &Outcome) -> bool {
        const TRIES: usize = 100;
        (0..TRIES).all(|_| {
            let programs = [program.to_vec()];
            let again = self.reference.run(&programs, self.mode);
            again.is_ok_and(|outcomes| {
                matches!(expected, Outcome::Died(_)) || outcomes.first() == Some(expected)
            })
        })
    }

    /// Compares the programs of `seeds` until `deadline`; answers how many were compared and the
    /// differences by seed.
    ///
    /// # Errors
    /// When an engine does not start.
    pub(crate) fn campaign(
        &self,
        seeds: Range<u64>,
        deadline: Option<Duration>,
        program: &(dyn Fn(u64) -> Vec<u8> + Sync),
    ) -> Result<(u64, Vec<Difference>), String> {
        let started = Instant::now();
        let next = AtomicU64::new(seeds.start);
        let compared = AtomicU64::new(0);
        let found = Mutex::new(Vec::new());
        let problem = Mutex::new(None);
        let work = || loop {
            let late = deadline.is_some_and(|deadline| started.elapsed() >= deadline);
            let first = next.fetch_add(BATCH, Ordering::Relaxed);
            let full = found.lock().map_or(true, |found| found.len() >= ENOUGH);
            if first >= seeds.end || late || full {
                return;
            }
            let batch = first..seeds.end.min(first + BATCH);
            let programs: Vec<Vec<u8>> = batch.clone().map(program).collect();
            match self.run(&programs) {
                Ok(outcomes) => {
                    compared.fetch_add(programs.len() as u64, Ordering::Relaxed);
                    let differences = batch.zip(programs).zip(outcomes).filter_map(|(p, o)| {
                        let ((seed, program), (expected, actual)) = (p, o);
                        let counts =
                            differ(&expected, &actual) && self.is_settled(&program, &expected);
                        counts.then_some(Difference {
                            seed,
                            program,
                            expected,
                            actual,
                        })
                    });
                    if let Ok(mut found) = found.lock() {
                        found.extend(differences);
                    }
                }
                Err(text) => {
                    if let Ok(mut problem) = problem.lock() {
                        *problem = Some(text);
                    }
                    return;
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
                scope.spawn(work);
            }
        });
        if let Some(problem) = problem.into_inner().unwrap_or_default() {
            return Err(problem);
        }
        let mut found = found.into_inner().unwrap_or_default();
        found.sort_by_key(|difference: &Difference| difference.seed);
        Ok((compared.into_inner(), found))
    }
}

/// Whether two outcomes differ. A program that the reference implementation does not survive says
/// nothing, unless Perilune dies of it too: Perilune must not. But a program may end both with an
/// error: a hook that it left fails in the harness.
pub(crate) fn differ(expected: &Outcome, actual: &Outcome) -> bool {
    let is_error = |how: &String| how.starts_with("exit status: 1\n");
    match (expected, actual) {
        (Outcome::Died(one), Outcome::Died(other)) if is_error(one) && is_error(other) => false,
        (_, Outcome::Died(_)) => true,
        (Outcome::Died(_), Outcome::Report(_)) => false,
        (Outcome::Report(expected), Outcome::Report(actual)) => expected != actual,
    }
}
