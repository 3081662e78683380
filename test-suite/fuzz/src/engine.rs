//! The two sides of a comparison, as processes that run many programs each.
//!
//! Invariant: whatever a program does to its process (crash, end, hang), every program of a batch
//! gets an outcome: the batch goes on in a new process after the program that ended the last one.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a process may take for what is left of a batch.
const LIMIT: Duration = Duration::from_secs(60);

/// What a harness is asked to do with a program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    /// Compile and run it, and report what it prints.
    Run,
    /// Compile it, and report the message if that fails.
    Compile,
}

/// What became of a program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    /// What the harness reported.
    Report(Vec<u8>),
    /// The process ended, or did not end: how.
    Died(String),
}

/// An implementation of Lua.
#[derive(Clone, Debug)]
pub(crate) struct Engine {
    /// Its program.
    pub(crate) program: PathBuf,
    /// Arguments before the script.
    pub(crate) arguments: Vec<String>,
    /// The script that reads programs and reports.
    pub(crate) harness: PathBuf,
}

impl Engine {
    /// Runs `programs`; answers their outcomes in the same order.
    ///
    /// # Errors
    /// When the engine does not start.
    pub(crate) fn run(&self, programs: &[Vec<u8>], mode: Mode) -> Result<Vec<Outcome>, String> {
        let mut outcomes = Vec::with_capacity(programs.len());
        while outcomes.len() < programs.len() {
            let rest = &programs[outcomes.len()..];
            let (output, ending) = self.process(&input(rest, mode))?;
            let mut reports = reports(&output);
            reports.truncate(rest.len());
            outcomes.extend(reports.into_iter().map(Outcome::Report));
            if outcomes.len() < programs.len() {
                outcomes.push(Outcome::Died(ending));
            }
        }
        Ok(outcomes)
    }

    /// Gives a process its input; answers its output and how it ended.
    fn process(&self, input: &[u8]) -> Result<(Vec<u8>, String), String> {
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .arg(&self.harness)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}", self.program.display()))?;
        let mut stdin = child.stdin.take().ok_or("no pipe")?;
        let mut stdout = child.stdout.take().ok_or("no pipe")?;
        let mut stderr = child.stderr.take().ok_or("no pipe")?;
        std::thread::scope(|scope| {
            scope.spawn(move || stdin.write_all(input).ok());
            let output = scope.spawn(move || read_all(&mut stdout));
            let errors = scope.spawn(move || read_all(&mut stderr));
            let status = wait(&mut child)?;
            let output = output.join().map_err(|_| "a reader panicked")?;
            let errors = errors.join().map_err(|_| "a reader panicked")?;
            let errors = String::from_utf8_lossy(&errors[..errors.len().min(2000)]).into_owned();
            Ok((output, format!("{status}\n{errors}")))
        })
    }
}

fn wait(child: &mut Child) -> Result<String, String> {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            return Ok(status.to_string());
        }
        if started.elapsed() > LIMIT {
            child.kill().map_err(|error| error.to_string())?;
            child.wait().map_err(|error| error.to_string())?;
            return Ok(format!("still running after {LIMIT:?}"));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn read_all(stream: &mut impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    // What was read before an error is still worth having.
    stream.read_to_end(&mut bytes).ok();
    bytes
}

/// The programs as harnesses read them: `<length> <mode>` and a line end before each.
fn input(programs: &[Vec<u8>], mode: Mode) -> Vec<u8> {
    let word = match mode {
        Mode::Run => "run",
        Mode::Compile => "compile",
    };
    let mut input = Vec::new();
    for program in programs {
        input.extend_from_slice(format!("{} {word}\n", program.len()).as_bytes());
        input.extend_from_slice(program);
    }
    input
}

/// The complete reports in a harness's output: a line with the length before each.
fn reports(mut output: &[u8]) -> Vec<Vec<u8>> {
    let mut reports = Vec::new();
    while let Some(end) = output.iter().position(|&byte| byte == b'\n') {
        let length = std::str::from_utf8(&output[..end]).unwrap_or_default();
        let Ok(length) = length.parse::<usize>() else {
            break;
        };
        let Some(report) = output.get(end + 1..end + 1 + length) else {
            break;
        };
        reports.push(without_signs_of_nan(&without_addresses(report)));
        output = &output[end + 1 + length..];
    }
    reports
}

/// A report with every address (`0x` and at least eight digits) replaced: `tostring` shows them.
fn without_addresses(report: &[u8]) -> Vec<u8> {
    let mut masked = Vec::with_capacity(report.len());
    let mut rest = report;
    while let Some(at) = rest.windows(2).position(|pair| pair == b"0x") {
        let (before, after) = rest.split_at(at + 2);
        let digits = after.iter().take_while(|b| b.is_ascii_hexdigit()).count();
        masked.extend_from_slice(before);
        if (8..16).contains(&digits) {
            masked.extend_from_slice(b"ADDRESS");
        } else {
            masked.extend_from_slice(&after[..digits]);
        }
        rest = &after[digits..];
    }
    masked.extend_from_slice(rest);
    masked
}

/// A report with `-nan` as `nan`: which of two NaN an operation passes on, and hence its sign, is
/// up to the C compiler that built the reference implementation. (Cases test the signs of NaN that
/// operations make.)
fn without_signs_of_nan(report: &[u8]) -> Vec<u8> {
    let mut masked = Vec::with_capacity(report.len());
    for (at, &byte) in report.iter().enumerate() {
        if byte != b'-' || !report[at + 1..].starts_with(b"nan") {
            masked.push(byte);
        }
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::{Mode, input, reports, without_addresses, without_signs_of_nan};

    #[test]
    fn nan_has_no_sign() {
        assert_eq!(
            without_signs_of_nan(b"-nan -1 nan --nan"),
            b"nan -1 nan -nan"
        );
    }

    #[test]
    fn addresses_are_masked_and_other_numbers_not() {
        let masked = without_addresses(b"table: 0x55c60a072c70 0xff 0x1p4 0x");
        assert_eq!(masked, b"table: 0xADDRESS 0xff 0x1p4 0x");
    }

    #[test]
    fn only_complete_reports_count() {
        assert_eq!(reports(b"3\nabc0\n5\nab"), [b"abc".to_vec(), Vec::new()]);
    }

    #[test]
    fn programs_are_preceded_by_length_and_mode() {
        let programs = [b"return".to_vec(), Vec::new()];
        assert_eq!(
            input(&programs, Mode::Compile),
            b"6 compile\nreturn0 compile\n"
        );
    }
}
