//! Running a program under the reference implementation and under Perilune, and comparing all that
//! can be seen: output, errors, exit status, and the files it left.
//!
//! Both run one after the other in a fresh copy of the same folder at the same place, with `lua`
//! on the path, so that messages, paths and child processes are the same. Only addresses differ,
//! and are masked.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use perilune_test_suite::program::{self, Finished};
use perilune_test_suite::reference;

const LIMIT: Duration = Duration::from_secs(300);

/// Where a program runs, and with what.
pub(crate) struct Setting {
    /// A folder for this program alone.
    pub(crate) place: PathBuf,
    /// What its working directory is a copy of; an empty one without it.
    pub(crate) copy_of: Option<PathBuf>,
    /// The search path for modules.
    pub(crate) module_path: String,
    /// What runs before every script, child processes' too.
    pub(crate) preamble: String,
}

/// What one side did.
#[derive(PartialEq, Eq)]
pub(crate) struct Outcome {
    /// What the process left behind.
    pub(crate) finished: Finished,
    /// Every file of the working directory.
    files: BTreeMap<PathBuf, Vec<u8>>,
}

impl Setting {
    /// Runs `arguments` under both sides.
    ///
    /// # Errors
    /// The first difference, or why there is nothing to compare.
    pub(crate) fn compare(&self, arguments: &[String], input: &[u8]) -> Result<Outcome, String> {
        let lua = reference::lua().as_ref().map_err(Clone::clone)?;
        let expected = self.run(lua, arguments, input)?;
        let actual = self.run(program::perilune(), arguments, input)?;
        if actual == expected {
            return Ok(expected);
        }
        if self.run(lua, arguments, input)? != expected {
            return Err("the reference implementation differs from itself".to_owned());
        }
        Err(difference(&expected, &actual))
    }

    fn run(&self, lua: &Path, arguments: &[String], input: &[u8]) -> Result<Outcome, String> {
        self.prepare(lua).map_err(|error| error.to_string())?;
        let (bin, work) = (self.place.join("bin"), self.place.join("work"));
        let mut path = bin.clone().into_os_string();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        let mut command = Command::new(bin.join("lua"));
        // Messages begin with this name.
        std::os::unix::process::CommandExt::arg0(&mut command, "lua");
        command.args(arguments).current_dir(&work).env_clear();
        command.env("PATH", path).env("HOME", &work);
        command.env("LC_ALL", "C").env("TZ", "UTC");
        command.env("LUA_PATH_5_4", &self.module_path);
        command.env("LUA_CPATH_5_4", "./no-c-modules/?.so");
        command.env("LUA_INIT_5_4", &self.preamble);
        let mut finished = program::run(&mut command, input, LIMIT)?;
        finished.output = masked(&finished.output);
        finished.errors = masked(&finished.errors);
        let mut files = BTreeMap::new();
        collect(&work, &mut files).map_err(|error| error.to_string())?;
        Ok(Outcome { finished, files })
    }

    /// A fresh copy of the working directory, and `lua` a name of the side that runs.
    fn prepare(&self, lua: &Path) -> std::io::Result<()> {
        fs::remove_dir_all(&self.place).ok();
        fs::create_dir_all(self.place.join("bin"))?;
        std::os::unix::fs::symlink(lua, self.place.join("bin/lua"))?;
        let work = self.place.join("work");
        match &self.copy_of {
            Some(folder) => copy(folder, &work),
            None => fs::create_dir(&work),
        }
    }
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let target = to.join(entry.file_name());
        if kind.is_dir() {
            copy(&entry.path(), &target)?;
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(entry.path())?, target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn collect(folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            collect(&entry.path(), files)?;
        } else if kind.is_file() {
            files.insert(entry.path(), masked(&fs::read(entry.path())?));
        }
    }
    Ok(())
}

/// The text without addresses, which are printed as `table: 0x5581f0`.
pub(crate) fn masked(text: &[u8]) -> Vec<u8> {
    const BEFORE: &[u8] = b": 0x";
    let mut kept = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with(BEFORE) {
            kept.extend_from_slice(BEFORE);
            at += BEFORE.len();
            while text.get(at).is_some_and(u8::is_ascii_hexdigit) {
                at += 1;
            }
        } else {
            kept.push(text[at]);
            at += 1;
        }
    }
    kept
}

fn difference(expected: &Outcome, actual: &Outcome) -> String {
    let (before, after) = (&expected.finished, &actual.finished);
    let mut report = String::new();
    if before.status != after.status {
        report += &format!(
            "  status {:?}, expected {:?}\n",
            after.status, before.status
        );
    }
    report += &first_difference("output", &before.output, &after.output);
    report += &first_difference("errors", &before.errors, &after.errors);
    let nothing = Vec::new();
    for (path, bytes) in &expected.files {
        let other = actual.files.get(path).unwrap_or(&nothing);
        report += &first_difference(&path.display().to_string(), bytes, other);
    }
    for path in actual.files.keys() {
        if !expected.files.contains_key(path) {
            report += &format!("  {} should not be there\n", path.display());
        }
    }
    report
}

/// The first line in which two texts differ; nothing where they don't.
pub(crate) fn first_difference(what: &str, expected: &[u8], actual: &[u8]) -> String {
    let mut lines = [expected, actual].map(|text| text.split(|&byte| byte == b'\n'));
    for number in 1.. {
        let [expected, actual] = lines.each_mut().map(Iterator::next);
        if expected != actual {
            let [expected, actual] = [expected, actual]
                .map(|line| line.map_or("nothing".into(), String::from_utf8_lossy));
            return format!(
                "  {what}, line {number}\n    expected {expected}\n    actual   {actual}\n"
            );
        }
        if expected.is_none() {
            break;
        }
    }
    String::new()
}
