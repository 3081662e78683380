//! Runs the test suite of the reference implementation, which is not part of this repository.
//!
//! Where it can't be had (see `reference`) the tests say why they were skipped and pass.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use perilune_test_suite::reference::suite;
use perilune_test_suite::{program, skipped};

const LIMIT: Duration = Duration::from_secs(900);

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
