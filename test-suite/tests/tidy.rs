//! Repository rules that no compiler checks.
//!
//! Sizes are a ratchet: files and functions that were too long when the rule came are listed with
//! their size. They may shrink, and then the list must follow; nothing may be added to it without
//! a reason that convinces a reader.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use perilune_test_suite::program::workspace;

/// Longest file, in lines.
const FILE_LIMIT: usize = 700;
/// Longest function, in lines.
const FUNCTION_LIMIT: usize = 100;

/// Files that are longer.
const LONG_FILES: &[(&str, usize)] = &[];

/// Functions that are longer: file, function, lines.
const LONG_FUNCTIONS: &[(&str, &str, usize)] = &[
    ("frontend/src/compiler/tests/evaluate.rs", "step", 192),
    (
        "frontend/src/compiler/tests/programs.rs",
        "to_be_closed",
        102,
    ),
    ("frontend/src/number/tests.rs", "printf_conversions", 102),
    ("runtime/src/native/step.rs", "perform", 143),
];

/// What each crate may depend on inside the workspace.
const ARROWS: &[(&str, &[&str])] = &[
    ("frontend", &[]),
    ("runtime", &["perilune-frontend"]),
    ("tracejit", &["perilune-frontend", "perilune-runtime"]),
    ("stdlib", &["perilune-frontend", "perilune-runtime"]),
    (
        "runtime/api",
        &[
            "perilune-frontend",
            "perilune-runtime",
            "perilune-tracejit",
            "perilune-stdlib",
            "perilune-derive",
        ],
    ),
    ("runtime/derive", &["perilune"]),
    (
        ".",
        &[
            "perilune-api",
            "perilune-frontend",
            "perilune-runtime",
            "perilune-stdlib",
        ],
    ),
    ("test-suite", &["perilune"]),
    ("bench", &["perilune", "perilune-frontend"]),
];

/// Words that mark unfinished work or leaked context. Spelt in two halves, so that this file does
/// not contain them.
const FORBIDDEN: &[(&str, &str)] = &[
    ("to", "do!("),
    ("unimple", "mented!("),
    ("FIX", "ME"),
    ("XX", "X:"),
    ("TO", "DO:"),
    ("db", "g!("),
    ("/wo", "rk/"),
];

struct Source {
    /// Relative to the workspace, with `/`.
    name: String,
    path: PathBuf,
    text: String,
}

fn collect(folder: &Path, extension: &str, found: &mut Vec<Source>) {
    for entry in std::fs::read_dir(folder)
        .expect("a folder of the workspace")
        .flatten()
    {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            if !name.starts_with('.') && name != "target" && name != "cases" {
                collect(&path, extension, found);
            }
        } else if path.extension().is_some_and(|e| e == extension) {
            let name = path
                .strip_prefix(workspace())
                .expect("inside")
                .to_string_lossy();
            let name = name.replace('\\', "/");
            let text = std::fs::read_to_string(&path).expect("UTF-8 text");
            found.push(Source { name, path, text });
        }
    }
}

fn rust_files() -> Vec<Source> {
    let mut found = Vec::new();
    collect(workspace(), "rs", &mut found);
    assert!(
        found.len() > 50,
        "the workspace has more files than {}",
        found.len()
    );
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

fn report(problems: Vec<String>) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn every_file_begins_with_a_header() {
    let files = rust_files();
    let naked = files.iter().filter(|file| !file.text.starts_with("//! "));
    report(
        naked
            .map(|file| format!("{}: no `//!` header", file.name))
            .collect(),
    );
}

#[test]
fn files_are_short() {
    let mut problems = Vec::new();
    for file in rust_files() {
        let lines = file.text.lines().count();
        let allowed = LONG_FILES
            .iter()
            .find(|(name, _)| *name == file.name)
            .map(|&(_, n)| n);
        match allowed {
            None if lines > FILE_LIMIT => {
                problems.push(format!(
                    "{}: {lines} lines, {FILE_LIMIT} allowed",
                    file.name
                ));
            }
            Some(allowed) if lines > allowed => {
                problems.push(format!(
                    "{}: grew from {allowed} to {lines} lines",
                    file.name
                ));
            }
            Some(_) if lines <= FILE_LIMIT => {
                problems.push(format!("{}: take it off the list of long files", file.name));
            }
            _ => {}
        }
    }
    report(problems);
}

/// Name and length of every function, told by indentation, which rustfmt makes reliable.
fn functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let indentation = line.len() - code.len();
        let Some(at) = code.find("fn ") else { continue };
        let is_head = code[..at].split_whitespace().all(|word| {
            matches!(word, "pub" | "const" | "async" | "unsafe" | "extern")
                || word.starts_with("pub(")
                || word.starts_with('"')
        });
        // What ends before a body begins is a declaration of a trait.
        let head = lines[start..].iter().map(|line| line.trim_end());
        let ends_head = |line: &&str| line.ends_with(';') || line.ends_with(['{', '}']);
        let is_declaration = head
            .clone()
            .find(ends_head)
            .is_none_or(|l| l.ends_with(';'));
        if !is_head || is_declaration {
            continue;
        }
        let name: String = code[at + 3..]
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        let end = lines[start..].iter().position(|l| {
            l.len() - l.trim_start().len() == indentation && l.trim_start().starts_with('}')
        });
        found.push((name, end.map_or(1, |end| end + 1)));
    }
    found
}

#[test]
fn functions_are_short() {
    let mut problems = Vec::new();
    for file in rust_files() {
        for (name, lines) in functions(&file.text) {
            let listed = LONG_FUNCTIONS
                .iter()
                .find(|(f, n, _)| *f == file.name && *n == name);
            let allowed = listed.map_or(FUNCTION_LIMIT, |&(_, _, allowed)| allowed);
            if lines > allowed {
                problems.push(format!(
                    "{}: {name} has {lines} lines, {allowed} allowed",
                    file.name
                ));
            }
        }
    }
    report(problems);
}

/// Names of workspace packages among a manifest's ordinary dependencies.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let mut inside = false;
    let mut found = BTreeSet::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line == "[dependencies]" || line.ends_with(".dependencies]");
            inside &= !line.starts_with("[workspace");
        } else if inside {
            let name: String = line
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '-')
                .collect();
            if name.starts_with("perilune") {
                found.insert(name);
            }
        }
    }
    found
}

#[test]
fn arrows_point_one_way() {
    let mut problems = Vec::new();
    for (folder, allowed) in ARROWS {
        let manifest = std::fs::read_to_string(workspace().join(folder).join("Cargo.toml"));
        for name in dependencies(&manifest.expect("a manifest")) {
            if !allowed.contains(&name.as_str()) {
                problems.push(format!("{folder} depends on {name}"));
            }
        }
    }
    report(problems);
}

#[test]
fn every_file_is_part_of_a_crate() {
    let files = rust_files();
    let mut problems = Vec::new();
    for file in &files {
        let parts: Vec<&str> = file.name.split('/').collect();
        let stem = file
            .path
            .file_stem()
            .and_then(|s| s.to_str())
            .unwrap_or_default();
        let folder = parts.len().checked_sub(2).map_or("", |at| parts[at]);
        let is_root = matches!(stem, "lib" | "main" | "build")
            || matches!(
                folder,
                "tests" | "benches" | "examples" | "fuzz_targets" | "bin"
            );
        if is_root && !file.name.contains("/src/") || matches!(stem, "lib" | "main") {
            continue;
        }
        let module = if stem == "mod" { folder } else { stem };
        let home = if stem == "mod" {
            file.path.parent().and_then(Path::parent)
        } else {
            file.path.parent()
        };
        let declared = files.iter().any(|other| {
            let dir = other.path.parent();
            let beside = dir == home;
            // `x.rs` beside folder `x` declares the modules inside it.
            let above = home.is_some_and(|home| other.path.with_extension("") == home);
            let by_path = format!("#[path = \"{stem}.rs\"]");
            (beside || above) && (declares(&other.text, module) || other.text.contains(&by_path))
        });
        if !declared {
            problems.push(format!("{}: no `mod {module};` leads to it", file.name));
        }
    }
    report(problems);
}

fn declares(text: &str, module: &str) -> bool {
    text.lines().any(|line| {
        let line = line.trim();
        let rest = line
            .rsplit_once("mod ")
            .map(|(before, rest)| (before.trim(), rest));
        rest.is_some_and(|(before, rest)| {
            (before.is_empty() || before.starts_with("pub")) && rest == format!("{module};")
        })
    })
}

#[test]
fn nothing_is_unfinished() {
    let mut files = rust_files();
    collect(workspace(), "md", &mut files);
    collect(workspace(), "toml", &mut files);
    let mut problems = Vec::new();
    for file in &files {
        for (number, line) in file.text.lines().enumerate() {
            for (first, second) in FORBIDDEN {
                if line.contains(&format!("{first}{second}")) {
                    problems.push(format!("{}:{}: {first}{second}", file.name, number + 1));
                }
            }
        }
    }
    report(problems);
}

/// The lock of a state is held as long as what `enter` answers is there (`runtime/api/src/lock.rs`): as a temporary
/// value it would be gone when what it gave is used.
#[test]
fn who_enters_a_state_stays_until_the_end() {
    let mut problems = Vec::new();
    for file in rust_files() {
        for (number, line) in file.text.lines().enumerate() {
            let is_temporary = line.contains("enter().")
                || line.trim() == ".enter()"
                || line.contains("let _ = ") && line.contains("enter()");
            if file.name.starts_with("runtime/api/src") && is_temporary {
                problems.push(format!(
                    "{}:{}: enter() is not bound",
                    file.name,
                    number + 1
                ));
            }
        }
    }
    report(problems);
}

#[test]
fn manifests_inherit_lints_and_describe_their_package() {
    let mut problems = Vec::new();
    for (folder, _) in ARROWS {
        let manifest = std::fs::read_to_string(workspace().join(folder).join("Cargo.toml"));
        let manifest = manifest.expect("a manifest");
        for needed in [
            "[lints]\nworkspace = true",
            "\ndescription = ",
            "\nkeywords = ",
            "license.workspace = true",
            "rust-version.workspace = true",
        ] {
            if !manifest.contains(needed) {
                problems.push(format!("{folder}/Cargo.toml: no {}", needed.trim()));
            }
        }
    }
    report(problems);
}

#[test]
fn unsafe_code_stays_where_it_belongs() {
    for root in [
        "frontend/src/lib.rs",
        "stdlib/src/lib.rs",
        "test-suite/src/lib.rs",
    ] {
        let text = std::fs::read_to_string(workspace().join(root)).expect("a crate root");
        assert!(
            text.contains("#![forbid(unsafe_code)]"),
            "{root} allows unsafe code"
        );
    }
}
