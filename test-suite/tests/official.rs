//! Runs the test suite of the reference implementation, which is not part of this repository.
//!
//! `normal_suite` is the whole of it, as a release build of the reference implementation runs it:
//! nothing is skipped but sections for a build with internal tests (they skip themselves) and what
//! [`PATCHES`] names. `portable_suite` is its shorter mode for other platforms.
//!
//! Where the suite can't be had (see `reference`) the tests say why they were skipped and pass.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use perilune_test_suite::mode::{MODES, Mode};
use perilune_test_suite::reference::suite;
use perilune_test_suite::{parallel, program, skipped};

const LIMIT: Duration = Duration::from_secs(900);

/// A change of the suite's copy.
struct Patch {
    /// What it does and why the reference implementation needs it, too.
    reason: &'static str,
    file: &'static str,
    /// Where the text that is replaced begins.
    from: &'static str,
    /// Where it ends.
    to: &'static str,
    replacement: &'static str,
}

/// All changes.
const PATCHES: &[Patch] = &[
    Patch {
        reason: "leaves out a section that needs a C module compiled for the suite",
        file: "main.lua",
        from: "-- test module names with version sufix",
        to: "-- test 'arg' table",
        replacement: "",
    },
    Patch {
        reason: "leaves out a section that needs a line editor which echoes what it reads from a \
                 pipe",
        file: "main.lua",
        from: "-- non-string prompt",
        to: "-- test for error objects",
        replacement: "",
    },
    Patch {
        reason: "has the process that will be interrupted tell its own number before it starts \
                 Lua: the shell that started it tells it at the same time as Lua prints, and on a \
                 busy machine may be second",
        file: "main.lua",
        from: "'%s -e \"%s\" & echo $!'",
        to: ", progname, luaprg)",
        replacement: r#"'{ sh -c \'echo $PPID\'; exec %s -e "%s"; } &'"#,
    },
];

/// A copy of the suite, patched, for one test to write into.
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
    for patch in PATCHES {
        let path = to.join(patch.file);
        // The suite is not all UTF-8, but the files with patches are.
        let mut text = fs::read_to_string(&path).expect("a file of the suite");
        let start = text.find(patch.from).expect(patch.reason);
        let end = start + text[start..].find(patch.to).expect(patch.reason);
        text.replace_range(start..end, patch.replacement);
        fs::write(&path, text).expect("written");
    }
    to
}

/// Runs a file of the suite with standard input an empty pipe; it must print `last_words`.
fn run(name: &str, arguments: &[&str], last_words: &str) {
    if let Err(problem) = run_without(name, &[], arguments, last_words) {
        panic!("{problem}");
    }
}

/// The same, with some files empty.
fn run_without(
    name: &str,
    left_out: &[&str],
    arguments: &[&str],
    last_words: &str,
) -> Result<(), String> {
    let folder = match suite() {
        Ok(folder) => copy(folder, name),
        Err(reason) => {
            skipped(name, reason);
            return Ok(());
        }
    };
    for file in left_out {
        fs::write(folder.join(file), "").expect("written");
    }
    let mut command = Command::new(program::perilune());
    command.args(arguments).current_dir(&folder);
    let done = program::run(&mut command, b"", LIMIT).expect("the suite ends");
    let output = String::from_utf8_lossy(&done.output).into_owned();
    let errors = String::from_utf8_lossy(&done.errors).into_owned();
    let last: Vec<&str> = output.lines().rev().take(12).collect();
    fs::remove_dir_all(&folder).ok();
    if done.status == Some(0) && output.contains(last_words) {
        return Ok(());
    }
    Err(format!(
        "{name}: status {:?}\n{errors}\nlast lines, the last one first: {last:#?}",
        done.status
    ))
}

#[test]
fn normal_suite() {
    run("normal-suite", &["all.lua"], "final OK !!!");
}

#[test]
fn normal_suite_interpreted() {
    let arguments = ["-j", "off", "all.lua"];
    run("normal-suite-interpreted", &arguments, "final OK !!!");
}

#[test]
fn portable_suite() {
    let arguments = ["-e", "_U=true", "all.lua"];
    run("portable-suite", &arguments, "final OK !!!");
}

/// The modes of the cases, but for the two that have tests of their own above. Where collections come at
/// other times than the collector would choose, the file that tests its choice is left out, and the suite
/// is the shorter one.
#[test]
fn normal_suite_in_every_mode() {
    let others = |mode: &&Mode| !matches!(mode.arguments, [] | ["-j", "off"]);
    let modes: Vec<&Mode> = MODES.iter().filter(others).collect();
    let failures = parallel::failures(&modes, |mode| {
        let stressed = mode
            .arguments
            .iter()
            .any(|modes| modes.contains("gc=stress"));
        let mut arguments = mode.arguments.to_vec();
        if stressed {
            arguments.extend(["-e", "_U=true"]);
        }
        arguments.push("all.lua");
        let name = format!("normal-suite-{}", mode.name);
        let left_out: &[&str] = if stressed { &["gc.lua"] } else { &[] };
        run_without(&name, left_out, &arguments, "final OK !!!")
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// A collection wherever one may happen changes nothing that a program can see, to-be-closed
/// variables and hooks included.
#[test]
fn portable_suite_collecting_always() {
    for file in ["locals.lua", "closure.lua", "events.lua", "db.lua"] {
        let arguments = ["-e", "_soft=true", "-j", "gc=stress=1", file];
        run("collecting-always", &arguments, "");
    }
}
