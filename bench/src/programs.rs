//! The programs, and sizes at which the reference implementation takes a tenth of a second or
//! more on a desktop machine. Without a size a program runs at its own small default.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Name and size of every program in the folder that comes with this crate.
const SIZES: &[(&str, u64)] = &[
    ("binary-trees", 14),
    ("bounce", 600),
    ("cd", 150),
    ("closures", 2_000_000),
    ("coroutines", 600_000),
    ("deltablue", 3_000),
    ("fannkuch", 9),
    ("fft", 60),
    ("havlak", 8),
    ("json", 150),
    ("k-nucleotide", 250_000),
    ("list", 600),
    ("lu", 220),
    ("mandelbrot", 500),
    ("n-queens", 12),
    ("nbody", 250_000),
    ("patterns", 250),
    ("permute", 9),
    ("ray", 250),
    ("richards", 8),
    ("sieve", 2_000_000),
    ("sor", 800),
    ("sort", 60_000),
    ("sparse", 2_000),
    ("spectral-norm", 350),
    ("storage", 100),
    ("strings", 120_000),
    ("towers", 20),
    ("varargs", 300_000),
];

/// One program.
pub(crate) struct Program {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) size: Option<u64>,
}

impl Program {
    /// What an engine is given to run it.
    pub(crate) fn arguments(&self) -> Vec<OsString> {
        let mut arguments = vec![self.path.clone().into_os_string()];
        arguments.extend(self.size.map(|size| size.to_string().into()));
        arguments
    }
}

/// The programs of `folder` called `names`, or all of them, in the order of their names.
pub(crate) fn find(folder: &Path, names: &[String], quick: bool) -> Result<Vec<Program>, String> {
    let entries = std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut programs = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| error.to_string())?.path();
        let Some(name) = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .map(str::to_owned)
        else {
            continue;
        };
        let is_lua = path.extension().is_some_and(|extension| extension == "lua");
        if !is_lua || !names.is_empty() && !names.contains(&name) {
            continue;
        }
        let size = SIZES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|&(_, size)| size);
        programs.push(Program {
            name,
            path,
            size: size.filter(|_| !quick),
        });
    }
    programs.sort_by(|a, b| a.name.cmp(&b.name));
    if let Some(missing) = names
        .iter()
        .find(|name| !programs.iter().any(|p| p.name == **name))
    {
        return Err(format!("no program '{missing}' in {}", folder.display()));
    }
    Ok(programs)
}
