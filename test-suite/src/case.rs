//! Text cases: a Lua file, with what it must print in a file beside it.
//!
//! `name.lua` may have directives, comments of the form `-- key: value`: `args` (words), `stdin`
//! (with `\n` for a line end), `exit` (the status, 0 without one), `skip` (modes it does not run
//! in, with the reason after a colon). `name.out` is standard output, byte for byte; `name.err`,
//! where it is there, standard error. The program runs in the case's folder under the name
//! `lua`, so that messages equal those of the reference implementation.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::mode::Mode;
use crate::program::{self, Finished};

/// No case takes this long, on any machine, in any mode.
const LIMIT: Duration = Duration::from_secs(240);

/// One case.
#[derive(Debug)]
pub struct Case {
    /// `kind/topic/name`.
    pub name: String,
    path: PathBuf,
    arguments: Vec<String>,
    input: Vec<u8>,
    skipped_modes: Vec<String>,
    expected: Finished,
}

/// Every case below `folder`, by name.
///
/// # Errors
/// When a file can't be read, or a case has no expected output.
pub fn find(folder: &Path) -> Result<Vec<Case>, String> {
    let mut paths = Vec::new();
    collect(folder, &mut paths)?;
    paths.sort();
    paths.iter().map(|path| Case::read(folder, path)).collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<(), String> {
    let entries = std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    for entry in entries {
        let path = entry.map_err(|error| error.to_string())?.path();
        if path.is_dir() {
            collect(&path, paths)?;
        } else if path.extension().is_some_and(|extension| extension == "lua") {
            paths.push(path);
        }
    }
    Ok(())
}

impl Case {
    fn read(folder: &Path, path: &Path) -> Result<Case, String> {
        let read = |path: &Path| {
            std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
        };
        let source = String::from_utf8_lossy(&read(path)?).into_owned();
        let directive = |key: &str| {
            let prefix = format!("-- {key}: ");
            source
                .lines()
                .find_map(|line| line.strip_prefix(&prefix))
                .unwrap_or_default()
        };
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
        let status = match directive("exit") {
            "" => 0,
            number => number
                .parse()
                .map_err(|_| format!("{}: bad exit", path.display()))?,
        };
        let errors_path = path.with_extension("err");
        let errors = if errors_path.exists() {
            read(&errors_path)?
        } else {
            Vec::new()
        };
        let skipped = directive("skip").split(':').next().unwrap_or_default();
        Ok(Case {
            name: path
                .strip_prefix(folder)
                .unwrap_or(path)
                .with_extension("")
                .to_string_lossy()
                .into_owned(),
            path: path.to_path_buf(),
            arguments: words(directive("args")),
            input: directive("stdin").replace("\\n", "\n").into_bytes(),
            skipped_modes: words(skipped),
            expected: Finished {
                output: read(&path.with_extension("out"))?,
                errors,
                status: Some(status),
            },
        })
    }

    /// Whether the case runs in `mode`.
    pub fn runs_in(&self, mode: &Mode) -> bool {
        !self.skipped_modes.iter().any(|name| name == mode.name)
    }

    /// Runs the case.
    ///
    /// # Errors
    /// When it does anything but what is expected; the error says what.
    pub fn check(&self, mode: &Mode) -> Result<(), String> {
        let actual = self.run(mode.arguments)?;
        if actual == self.expected {
            return Ok(());
        }
        Err(format!(
            "{} ({}):\n{}",
            self.name,
            mode.name,
            difference(&self.expected, &actual)
        ))
    }

    /// Runs the case with the `n`th allocation failing: the program may do what it likes with the
    /// error, but it ends by itself and as programs do.
    ///
    /// # Errors
    /// When it is ended by a signal or a panic.
    pub fn check_failing_allocation(&self, n: u32) -> Result<(), String> {
        let actual = self.run(&["-j", &format!("alloc=fail={n}")])?;
        let errors = String::from_utf8_lossy(&actual.errors);
        let ended_well = actual.status == self.expected.status
            || matches!(actual.status, Some(0)) && self.expected.status != Some(0)
            || matches!(actual.status, Some(1));
        if ended_well && !errors.contains("panicked") {
            return Ok(());
        }
        Err(format!(
            "{} (allocation {n} failing): status {:?}\n{errors}",
            self.name, actual.status
        ))
    }

    fn run(&self, arguments: &[&str]) -> Result<Finished, String> {
        let mut command = Command::new(program::perilune());
        name_lua(&mut command);
        command
            .args(arguments)
            .arg(self.path.file_name().unwrap_or_default())
            .args(&self.arguments)
            .current_dir(self.path.parent().unwrap_or(Path::new(".")))
            .env_clear();
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        program::run(&mut command, &self.input, LIMIT)
            .map_err(|problem| format!("{} ({}): {problem}", self.name, arguments.join(" ")))
    }
}

/// Messages begin with the program's name, which is `lua` in everything recorded.
fn name_lua(command: &mut Command) {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::arg0(command, "lua");
    #[cfg(not(unix))]
    let _ = command;
}

/// Says where two outcomes part.
fn difference(expected: &Finished, actual: &Finished) -> String {
    let mut report = String::new();
    if expected.status != actual.status {
        report += &format!(
            "  status {:?}, expected {:?}\n",
            actual.status, expected.status
        );
    }
    for (stream, expected, actual) in [
        ("output", &expected.output, &actual.output),
        ("errors", &expected.errors, &actual.errors),
    ] {
        let text = [
            String::from_utf8_lossy(expected),
            String::from_utf8_lossy(actual),
        ];
        let mut lines = [text[0].split('\n'), text[1].split('\n')];
        for number in 1.. {
            let [expected, actual] = lines.each_mut().map(Iterator::next);
            if expected != actual {
                report += &format!("  {stream}, line {number}\n    expected {expected:?}\n");
                report += &format!("    actual   {actual:?}\n");
                break;
            }
            if expected.is_none() {
                break;
            }
        }
    }
    report
}
