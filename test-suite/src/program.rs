//! The program under test, as a process.
//!
//! Runners test the real binary. `PERILUNE_BIN` names one; without it, Cargo builds it with the
//! features and the profile of the tests, which costs nothing when it is up to date.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The workspace's root.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new("."))
}

/// The folder for build results, in which runners may keep what they download.
pub fn target_folder() -> PathBuf {
    let here = std::env::current_exe().unwrap_or_default();
    // Tests are in target/<profile>/deps, programs in target/<profile>; Cargo marks the folder.
    here.ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").exists())
        .map_or_else(|| workspace().join("target"), Path::to_path_buf)
}

/// The program's path.
///
/// # Panics
/// When it can't be built.
pub fn perilune() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| match std::env::var_os("PERILUNE_BIN") {
        Some(path) => std::fs::canonicalize(path).expect("PERILUNE_BIN names a file"),
        None => build(),
    })
}

fn build() -> PathBuf {
    let profile = if cfg!(debug_assertions) {
        "debug"
    } else {
        "release"
    };
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.args([
        "build",
        "--quiet",
        "--package",
        "perilune",
        "--bin",
        "perilune",
    ]);
    if profile == "release" {
        cargo.arg("--release");
    }
    cargo
        .current_dir(workspace())
        .arg("--target-dir")
        .arg(target_folder());
    let status = cargo.status().expect("cargo starts");
    assert!(status.success(), "the program does not build");
    target_folder()
        .join(profile)
        .join(format!("perilune{}", std::env::consts::EXE_SUFFIX))
}

/// What a process left behind.
#[derive(Debug, PartialEq, Eq)]
pub struct Finished {
    /// Standard output.
    pub output: Vec<u8>,
    /// Standard error.
    pub errors: Vec<u8>,
    /// Exit status; `None` where a signal ended it.
    pub status: Option<i32>,
}

/// Runs a command to its end, giving it `input`; a command still running after `limit` is ended.
///
/// # Errors
/// When the command can't be started, or was ended.
pub fn run(command: &mut Command, input: &[u8], limit: Duration) -> Result<Finished, String> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .map_err(|error| format!("cannot start: {error}"))?;
    let mut stdin = child.stdin.take().ok_or("no pipe")?;
    let (stdout, stderr) = (
        child.stdout.take().ok_or("no pipe")?,
        child.stderr.take().ok_or("no pipe")?,
    );
    std::thread::scope(|scope| {
        // A program need not read its input.
        scope.spawn(move || stdin.write_all(input).ok());
        let output = scope.spawn(|| read_all(stdout));
        let errors = scope.spawn(|| read_all(stderr));
        let started = Instant::now();
        let mut ended = false;
        let status = loop {
            if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
                break status;
            }
            if started.elapsed() > limit && !ended {
                ended = true;
                child.kill().map_err(|error| error.to_string())?;
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        let output = output.join().map_err(|_| "reader panicked")?;
        let errors = errors.join().map_err(|_| "reader panicked")?;
        if ended {
            let output = String::from_utf8_lossy(&output);
            let errors = String::from_utf8_lossy(&errors);
            return Err(format!(
                "still running after {limit:?}; it had printed:\n{output}\n{errors}"
            ));
        }
        Ok(Finished {
            output,
            errors,
            status: status.code(),
        })
    })
}

fn read_all(mut stream: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    // What was read before an error is still worth comparing.
    stream.read_to_end(&mut bytes).ok();
    bytes
}
