//! The engines: Perilune as Cargo builds it, and whatever peers are installed.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A program that runs Lua.
pub(crate) struct Engine {
    pub(crate) name: String,
    pub(crate) program: OsString,
    pub(crate) arguments: Vec<String>,
}

impl Engine {
    /// A command that runs this engine on `arguments`.
    pub(crate) fn command<S: AsRef<std::ffi::OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).args(arguments);
        command
    }
}

/// Perilune: `PERILUNE_BIN`, or an optimised build.
pub(crate) fn perilune(modes: Option<&str>) -> Result<Engine, String> {
    let program = match std::env::var_os("PERILUNE_BIN") {
        Some(path) => path,
        None => build()?.into_os_string(),
    };
    let arguments = modes.map_or(Vec::new(), |modes| vec!["-j".to_owned(), modes.to_owned()]);
    Ok(Engine {
        name: "perilune".to_owned(),
        program,
        arguments,
    })
}

fn build() -> Result<PathBuf, String> {
    let here = std::env::current_exe().map_err(|error| error.to_string())?;
    let target = here.ancestors().nth(2).ok_or("no target folder")?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.args([
        "build",
        "--quiet",
        "--release",
        "--package",
        "perilune",
        "--bin",
        "perilune",
    ]);
    cargo.arg("--target-dir").arg(target).current_dir(root);
    let status = cargo.status().map_err(|error| format!("cargo: {error}"))?;
    if !status.success() {
        return Err("perilune does not build".to_owned());
    }
    Ok(target
        .join("release")
        .join(format!("perilune{}", std::env::consts::EXE_SUFFIX)))
}

/// The peer called `name`, if it is installed.
pub(crate) fn peer(name: &str) -> Option<Engine> {
    let program = match (name, std::env::var_os("PUC_LUA")) {
        ("lua5.4", Some(path)) => path,
        _ => name.into(),
    };
    let works = Command::new(&program)
        .arg("-v")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    works.is_ok().then(|| Engine {
        name: name.to_owned(),
        program,
        arguments: Vec::new(),
    })
}
