//! Compiling every Lua file of packages that have many: each must be accepted, or rejected with the
//! same message, as the reference implementation does. So must damaged copies of it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use perilune_test_suite::{parallel, program, reference, skipped};

use crate::debian::Debian;
use crate::sides::first_difference;

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

/// Compiles everything; answers with the number of files.
///
/// # Errors
/// The differences.
pub(crate) fn compare(debian: &Debian, script: &Path) -> Result<usize, String> {
    let large = std::env::var("PERILUNE_CORPUS").is_ok_and(|set| set == "large");
    for name in PACKAGES.iter().chain(LARGE.iter().filter(|_| large)) {
        if let Err(reason) = debian.packages(&[name], name) {
            skipped(name, &reason);
        }
    }
    let mut files = Vec::new();
    // The programs that are run, their libraries and their tests are among it.
    collect(debian.folder(), &mut files);
    files.sort();
    let batches: Vec<&[PathBuf]> = files.chunks(BATCH).collect();
    let problems = parallel::failures(&batches, |batch| compile(batch, script));
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
