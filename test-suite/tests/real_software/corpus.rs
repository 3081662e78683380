//! Compiling every Lua file of packages that have many: each must be accepted, or rejected with the
//! same message, as the reference implementation does. So must damaged copies of it. And each must
//! do the same when it is run in an environment that accepts everything.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use perilune_test_suite::{parallel, program, reference, skipped};

use crate::debian::Debian;
use crate::sides::{first_difference, masked};

/// Packages that are compiled always.
const PACKAGES: &[&str] = &[
    "awesome",
    "knot-resolver",
    "lmod",
    "luakit",
    "neovim-runtime",
    "nmap-common",
    "notion",
    "prosody",
    "prosody-modules",
    "rspamd",
    "texlive-luatex",
    "vis",
    "vlc-plugin-base",
];

/// Packages that are compiled with `PERILUNE_CORPUS=large`: several hundred megabytes.
const LARGE: &[&str] = &[
    "context",
    "golly",
    "minetest-mod-mesecons",
    "minetest-mod-moreblocks",
    "mpv",
    "pandoc-data",
    "texlive-latex-extra",
    "texlive-pictures",
    "wesnoth-1.18-data",
];

const EXTENSIONS: &[&str] = &["lua", "lmt", "nse", "rockspec"];

/// Files per process.
const BATCH: usize = 250;
/// How often each file is damaged.
const DAMAGES: &str = "2";
const LIMIT: Duration = Duration::from_secs(300);

/// Of this many files one is run.
const RUN_EACH: usize = 4;
/// Files that keep the reference implementation busy for longer are passed over.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether everything is wanted, whatever it costs.
fn is_large() -> bool {
    std::env::var("PERILUNE_CORPUS").is_ok_and(|set| set == "large")
}

/// Every Lua file that was unpacked, in order.
pub(crate) fn files(debian: &Debian) -> Vec<PathBuf> {
    let large = is_large();
    for name in PACKAGES.iter().chain(LARGE.iter().filter(|_| large)) {
        if let Err(reason) = debian.packages(&[name], name) {
            skipped(name, &reason);
        }
    }
    let mut files = Vec::new();
    // The programs that are run, their libraries and their tests are among it.
    collect(debian.folder(), &mut files);
    files.sort();
    files
}

/// Compiles the files.
///
/// # Errors
/// The differences.
pub(crate) fn compile_alike(files: &[PathBuf], script: &Path) -> Result<(), String> {
    let batches: Vec<&[PathBuf]> = files.chunks(BATCH).collect();
    let problems = parallel::failures(&batches, |batch| compile(batch, script));
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems.join("\n"))
    }
}

/// Runs the files, by default some of them; answers with how many.
///
/// # Errors
/// The differences.
pub(crate) fn run_alike(
    files: &[PathBuf],
    script: &Path,
    module_path: &str,
) -> Result<usize, String> {
    let step = if is_large() { 1 } else { RUN_EACH };
    let files: Vec<&PathBuf> = files.iter().step_by(step).collect();
    let problems = parallel::failures(&files, |file| run(file, script, module_path));
    if problems.is_empty() {
        Ok(files.len())
    } else {
        Err(problems.join("\n"))
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        if kind.is_dir() {
            collect(&path, files);
        } else if kind.is_file()
            && path
                .extension()
                .is_some_and(|extension| EXTENSIONS.iter().any(|&known| extension == known))
        {
            files.push(path);
        }
    }
}

fn compile(batch: &[PathBuf], script: &Path) -> Result<(), String> {
    let lua = reference::lua().as_ref().map_err(Clone::clone)?;
    let names: Vec<String> = batch
        .iter()
        .map(|path| format!("{}\n", path.display()))
        .collect();
    let run = |program: &Path| {
        let mut command = Command::new(program);
        command.arg(script).arg(DAMAGES).env_clear();
        std::os::unix::process::CommandExt::arg0(&mut command, "lua");
        program::run(&mut command, names.concat().as_bytes(), LIMIT)
    };
    let (expected, actual) = (run(lua)?, run(program::perilune())?);
    if expected.status != Some(0) {
        let errors = String::from_utf8_lossy(&expected.errors);
        return Err(format!("the reference implementation failed: {errors}"));
    }
    if expected == actual {
        return Ok(());
    }
    let first = batch.first().map(|path| path.display().to_string());
    Err(format!(
        "from {} on:\n{}{}",
        first.unwrap_or_default(),
        first_difference("answers", &expected.output, &actual.output),
        first_difference("errors", &expected.errors, &actual.errors)
    ))
}

fn run(file: &Path, script: &Path, module_path: &str) -> Result<(), String> {
    let lua = reference::lua().as_ref().map_err(Clone::clone)?;
    let run = |program: &Path, limit: Duration| {
        let mut command = Command::new(program);
        command.arg(script).arg(file).env_clear();
        command
            .env("LUA_PATH_5_4", module_path)
            .env("LC_ALL", "C")
            .env("TZ", "UTC");
        std::os::unix::process::CommandExt::arg0(&mut command, "lua");
        program::run(&mut command, b"", limit)
    };
    let Ok(expected) = run(lua, PATIENCE) else {
        return Ok(());
    };
    let actual = run(program::perilune(), LIMIT)?;
    let mut problems = String::new();
    for (what, expected, actual) in [
        ("output", &expected.output, &actual.output),
        ("errors", &expected.errors, &actual.errors),
    ] {
        problems += &first_difference(what, &masked(expected), &masked(actual));
    }
    if expected.status != actual.status {
        problems += &format!(
            "  status {:?}, expected {:?}\n",
            actual.status, expected.status
        );
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(format!("{}:\n{problems}", file.display()))
    }
}
