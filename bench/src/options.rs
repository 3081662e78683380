//! The command line of `bench`.

use crate::compile;
use std::path::PathBuf;

/// What `--help` prints.
pub(crate) const USAGE: &str = "\
usage: bench compare [options] [names]
       bench compile [options] [names]
compare runs programs side by side with other engines; compile tells how long the tracing compiler
takes for 100 bytecode instructions, for many small loops and for programs.
  names            programs to run (default: all; for compile some with many traces)
  --peers LIST     engines to compare with, separated by commas (default: lua5.4,luajit)
  --against FILE   another build of Perilune to run in turn (compile; may be repeated)
  --runs N         runs of each program under each engine (default: 5)
  --quick          small sizes and one run: shows that everything works
  --programs DIR   folder with programs (default: bench/programs)
  -j MODES         engine modes for Perilune
Peers that are not installed are left out. PERILUNE_BIN names the program to measure instead of
the one that Cargo builds, PUC_LUA the program to run as lua5.4.
";

/// What to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Command {
    Compare,
    Compile,
}

/// Options of `bench`.
pub(crate) struct Options {
    pub(crate) command: Command,
    pub(crate) names: Vec<String>,
    pub(crate) peers: Vec<String>,
    pub(crate) runs: usize,
    pub(crate) quick: bool,
    pub(crate) programs: PathBuf,
    pub(crate) modes: Option<String>,
    pub(crate) against: Vec<PathBuf>,
}

impl Options {
    /// Reads the command line; `None` asks for the usage text.
    pub(crate) fn read(arguments: &[String]) -> Result<Option<Options>, String> {
        let mut words = arguments.iter();
        let command = match words.next().map(String::as_str) {
            Some("compare") => Command::Compare,
            Some("compile") => Command::Compile,
            None | Some("--help") => return Ok(None),
            Some(other) => return Err(format!("unknown command '{other}' (try --help)")),
        };
        let mut options = Options {
            command,
            names: Vec::new(),
            peers: vec!["lua5.4".to_owned(), "luajit".to_owned()],
            runs: 5,
            quick: false,
            programs: PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("programs"),
            modes: None,
            against: Vec::new(),
        };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("'{word}' needs an argument"));
            match word.as_str() {
                "--peers" => {
                    let list = value()?;
                    options.peers = list
                        .split(',')
                        .filter(|p| !p.is_empty())
                        .map(str::to_owned)
                        .collect();
                }
                "--runs" => {
                    options.runs = value()?
                        .parse()
                        .ok()
                        .filter(|&n| n > 0)
                        .ok_or("--runs needs a number")?;
                }
                "--quick" => (options.quick, options.runs) = (true, 1),
                "--programs" => options.programs = PathBuf::from(value()?),
                "--against" => options.against.push(compile::build(value()?)?),
                "-j" => options.modes = Some(value()?.clone()),
                "--help" => return Ok(None),
                name if !name.starts_with('-') => options.names.push(name.to_owned()),
                other => return Err(format!("unknown option '{other}' (try --help)")),
            }
        }
        Ok(Some(options))
    }
}
