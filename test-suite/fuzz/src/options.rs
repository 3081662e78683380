//! The command line of the fuzzer.

use std::ops::Range;
use std::time::Duration;

/// What `--help` prints.
pub(crate) const USAGE: &str = "usage: fuzz TARGET [options]
targets:
  programs            generated programs: compared by what they print
  bytes               mutated texts: compared by the message of the compiler
  chunks              damaged binary chunks: must not harm Perilune
  show                prints the program of the first seed
options:
  --seeds A..B        which seeds (default 0..10000)
  --time SECONDS      ends before the seeds do
  --engine-args ARGS  arguments for Perilune, separated by spaces, as in \"-j gc=stress=7\"
  --slow              programs may use slow features
  --no-reduce         shows programs as generated
The reference implementation is found as for the other tests (PERILUNE_REFERENCE names another);
PERILUNE_BIN names the program to test instead of the one that Cargo builds.";

/// What to fuzz.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Target {
    /// Generated programs.
    Programs,
    /// Mutated texts.
    Bytes,
    /// Damaged binary chunks.
    Chunks,
    /// Show a program.
    Show,
    /// Show the usage.
    Help,
}

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// What to fuzz.
    pub(crate) target: Target,
    /// Which seeds.
    pub(crate) seeds: Range<u64>,
    /// When to end.
    pub(crate) time: Option<Duration>,
    /// Arguments for Perilune.
    pub(crate) engine_arguments: Vec<String>,
    /// Whether slow features may be used.
    pub(crate) slow: bool,
    /// Whether differences are reduced.
    pub(crate) reduces: bool,
}

impl Options {
    /// Reads the command line.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn read(mut words: impl Iterator<Item = String>) -> Result<Options, String> {
        let target = match words.next().as_deref() {
            Some("programs") => Target::Programs,
            Some("bytes") => Target::Bytes,
            Some("chunks") => Target::Chunks,
            Some("show") => Target::Show,
            Some("--help") => Target::Help,
            _ => return Err(USAGE.to_owned()),
        };
        let mut options = Options {
            target,
            seeds: 0..10_000,
            time: None,
            engine_arguments: Vec::new(),
            slow: false,
            reduces: true,
        };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} wants a value"));
            match word.as_str() {
                "--seeds" => options.seeds = range(&value()?).ok_or("--seeds wants A..B")?,
                "--time" => {
                    let seconds = value()?.parse().map_err(|_| "--time wants seconds")?;
                    options.time = Some(Duration::from_secs(seconds));
                }
                "--engine-args" => {
                    options.engine_arguments =
                        value()?.split_whitespace().map(str::to_owned).collect();
                }
                "--slow" => options.slow = true,
                "--no-reduce" => options.reduces = false,
                _ => return Err(format!("unknown option {word}\n{USAGE}")),
            }
        }
        Ok(options)
    }
}

fn range(text: &str) -> Option<Range<u64>> {
    match text.split_once("..") {
        Some((start, end)) => Some(start.parse().ok()?..end.parse().ok()?),
        None => text.parse().ok().map(|seed: u64| seed..seed + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::{Options, Target};

    fn read(line: &str) -> Result<Options, String> {
        Options::read(line.split(' ').map(str::to_owned))
    }

    #[test]
    fn command_lines_are_read() {
        let options = read("programs --seeds 5..9 --time 3").expect("a good line");
        assert_eq!((options.target, options.seeds), (Target::Programs, 5..9));
        assert_eq!(read("show --seeds 7").expect("a good line").seeds, 7..8);
        for bad in ["", "programs --seeds", "programs --seeds x", "bytes --what"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
