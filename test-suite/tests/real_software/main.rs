//! Runs software that nobody here wrote under the reference implementation and under Perilune, and
//! compares all that can be seen.
//!
//! Nothing of it is part of this repository: it is downloaded from Debian into the target folder
//! (`debian`), some tens of megabytes. What can't be had is reported as skipped. C modules that
//! programs need are replaced by those in `stand-ins/`, for both sides.
//!
//! `PERILUNE_SOFTWARE=word` runs only the programs whose names contain the word;
//! `PERILUNE_CORPUS=large` compiles more packages' files.

mod corpus;
mod debian;
mod programs;
mod sides;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use perilune_test_suite::{parallel, program, reference, skipped};

use debian::Debian;
use programs::{PACKAGES, PROGRAMS, Program};
use sides::Setting;

/// Where everything is kept.
fn folder() -> PathBuf {
    program::target_folder().join("real-software")
}

/// The folder of scripts of this test.
fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real_software")
}

/// The archive, and the folder that the packages are unpacked in.
struct Software {
    debian: Debian,
    tree: PathBuf,
}

/// What the programs need, or why it can't be had.
fn software() -> &'static Result<Software, String> {
    static SOFTWARE: OnceLock<Result<Software, String>> = OnceLock::new();
    SOFTWARE.get_or_init(|| {
        reference::lua().as_ref().map_err(Clone::clone)?;
        let debian = Debian::open(&folder())?;
        let tree = debian.packages(PACKAGES, "software")?;
        debian.fetch_sources(&programs::sources())?;
        Ok(Software { debian, tree })
    })
}

/// What a program runs in a copy of.
fn origin(program: &Program, software: &Software) -> Result<Option<PathBuf>, String> {
    let debian = &software.debian;
    if program.source.is_empty() {
        Ok(None)
    } else if let Some((package, folder)) = program.source.split_once('/') {
        let tree = debian.packages(&[package], package)?;
        Ok(Some(tree.join(folder)))
    } else {
        let found = debian.source(program.source);
        let source = found.ok_or_else(|| format!("no sources of {}", program.source))?;
        Ok(Some(source))
    }
}

fn check(index: usize, program: &Program, software: &Software) -> Result<(), String> {
    let tree = &software.tree;
    let source = match origin(program, software) {
        Ok(source) => source,
        Err(reason) => {
            skipped(program.name, &reason);
            return Ok(());
        }
    };
    let share = tree.join("usr/share/lua").display().to_string();
    let stand_ins = here().join("stand-ins").display().to_string();
    let mut module_path = program.module_path.to_owned();
    module_path += "./?.lua;./?/init.lua;./src/?.lua;./lua/?.lua";
    module_path += &format!(";{stand_ins}/?.lua");
    for version in ["5.4", "5.3", "5.2", "5.1"] {
        module_path += &format!(";{share}/{version}/?.lua;{share}/{version}/?/init.lua");
    }
    let ordered = if program.ordered {
        " require 'ordered'"
    } else {
        ""
    };
    let setting = Setting {
        place: folder().join("work").join(index.to_string()),
        copy_of: source,
        module_path,
        preamble: format!("require 'repeatable'{ordered}"),
    };
    let arguments: Vec<String> = program
        .arguments
        .split_whitespace()
        .map(|word| {
            word.replace("{bin}", &tree.join("usr/bin").display().to_string())
                .replace("{share}", &share)
                .replace("{here}", &here().join("lua").display().to_string())
        })
        .collect();
    let outcome = setting
        .compare(&arguments, b"")
        .map_err(|problem| format!("{}:\n{problem}", program.name))?;
    let output = String::from_utf8_lossy(&outcome.finished.output);
    if output.contains(program.shows) {
        return Ok(());
    }
    let errors = String::from_utf8_lossy(&outcome.finished.errors);
    Err(format!(
        "{}: the reference implementation does not print {:?}:\n{output}{errors}",
        program.name, program.shows
    ))
}

#[test]
fn real_software_programs() {
    let software = match software() {
        Ok(found) => found,
        Err(reason) => return skipped("real_software_programs", reason),
    };
    let wanted = std::env::var("PERILUNE_SOFTWARE").unwrap_or_default();
    let chosen: Vec<(usize, &Program)> = PROGRAMS
        .iter()
        .enumerate()
        .filter(|(_, program)| program.name.contains(&wanted))
        .collect();
    let failures = parallel::failures(&chosen, |(index, program)| check(*index, program, software));
    assert!(
        failures.is_empty(),
        "{} of {} differ:\n{}",
        failures.len(),
        chosen.len(),
        failures.join("\n")
    );
    println!("{} programs run alike", chosen.len());
}

#[test]
fn real_software_compiles_alike() {
    let software = match software() {
        Ok(found) => found,
        Err(reason) => return skipped("real_software_compiles_alike", reason),
    };
    let files = corpus::files(&software.debian);
    if let Err(problems) = corpus::compile_alike(&files, &here().join("lua/compile.lua")) {
        panic!("{problems}");
    }
    println!("{} files compile alike", files.len());
}

#[test]
fn real_software_runs_alike() {
    let software = match software() {
        Ok(found) => found,
        Err(reason) => return skipped("real_software_runs_alike", reason),
    };
    let files = corpus::files(&software.debian);
    let script = here().join("lua/run-anything.lua");
    let module_path = format!("{}/?.lua", here().join("stand-ins").display());
    match corpus::run_alike(&files, &script, &module_path) {
        Ok(files) => println!("{files} files run alike"),
        Err(problems) => panic!("{problems}"),
    }
}
