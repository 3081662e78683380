//! Every public item of the embedding interface is shown in an example.
//!
//! The rule: somewhere in its file an example of the documentation, one that is compiled, uses the item by
//! its name: `.name` or `::name` for functions and methods. Where several items of a file have a name, there
//! are as many uses. Variants and fields belong to their types, implementations of traits to the traits, and
//! what is hidden from the documentation is nobody's business. Macros of the derive crate have an example of
//! their own.
//!
//! Items and examples are told by rustfmt's layout, as those of `tidy.rs` are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use perilune_test_suite::program::workspace;

/// Where the interface is.
const INTERFACE: &str = "runtime/api/src";
/// The macros that go with it.
const MACROS: &str = "runtime/derive/src/lib.rs";
/// What macros expand to: hidden as a whole.
const HIDDEN: &[&str] = &["macros.rs"];

/// An item that needs an example.
#[derive(Debug, PartialEq)]
struct Item {
    name: String,
    line: usize,
    is_function: bool,
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found.sort();
}

/// The text of a line of documentation.
fn documentation(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let text = line
        .strip_prefix("///")
        .or_else(|| line.strip_prefix("//!"))?;
    Some(text.strip_prefix(' ').unwrap_or(text))
}

/// The lines of all examples that are compiled.
fn examples(text: &str) -> String {
    let (mut code, mut fence) = (String::new(), None);
    for line in text.lines() {
        let Some(text) = documentation(line) else {
            fence = None;
            continue;
        };
        match (text.strip_prefix("```"), fence) {
            (Some(_), Some(_)) => fence = None,
            (Some(kind), None) => fence = Some(matches!(kind, "" | "no_run")),
            (None, Some(true)) => {
                code.push_str(text);
                code.push('\n');
            }
            (None, _) => {}
        }
    }
    code
}

/// The name of the item that a line declares, and whether it is a function; in a public trait items are
/// public without saying so.
fn declared(line: &str, in_trait: bool) -> Option<(String, bool)> {
    let code = line.trim_start();
    let rest = match code.strip_prefix("pub ") {
        Some(rest) => rest,
        None if in_trait && line.starts_with("    ") && !line.starts_with("     ") => code,
        None => return None,
    };
    let mut words = rest.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let is_function = word == "fn";
        let is_item = matches!(word, "fn" | "struct" | "enum" | "trait" | "type" | "static")
            || word == "const" && !matches!(words.peek(), Some(&("fn" | "unsafe")));
        if is_item {
            let is_part = |c: &char| c.is_alphanumeric() || *c == '_';
            let name: String = words.next()?.chars().take_while(is_part).collect();
            // Those that a macro makes begin with `$`.
            return (!name.is_empty()).then_some((name, is_function));
        }
        if !matches!(word, "const" | "unsafe" | "async") {
            return None;
        }
    }
    None
}

/// The items of a file that need examples.
fn items(text: &str) -> Vec<Item> {
    let mut found = Vec::new();
    let mut hidden_types: Vec<String> = Vec::new();
    let (mut is_hidden, mut is_exported) = (false, false);
    let (mut in_trait, mut in_hidden) = (false, false);
    for (number, line) in text.lines().enumerate() {
        let code = line.trim_start();
        if line.starts_with('}') {
            (in_trait, in_hidden) = (false, false);
        } else if line.starts_with("mod ") && line.ends_with('{') {
            in_hidden = true;
        } else if line.starts_with("impl") {
            let of_hidden = |name: &String| line.contains(&format!("> {name}<"));
            in_hidden = hidden_types.iter().any(of_hidden);
        }
        if code.starts_with("#[doc(hidden)]") {
            is_hidden = true;
        } else if code.starts_with("#[macro_export]") {
            is_exported = true;
        }
        if code.is_empty() || code.starts_with("//") || code.starts_with('#') {
            continue;
        }
        let macro_name = code.strip_prefix("macro_rules! ").filter(|_| is_exported);
        let item = match macro_name {
            Some(rest) => Some((rest.trim_end_matches([' ', '{']).to_owned(), false)),
            None => declared(line, in_trait),
        };
        if let Some((name, is_function)) = item {
            if is_hidden && code.starts_with("pub struct ") {
                hidden_types.push(name);
            } else if !is_hidden && !in_hidden {
                found.push(Item {
                    name,
                    line: number + 1,
                    is_function,
                });
            }
        }
        if line.starts_with("pub trait ") && !is_hidden {
            in_trait = line.ends_with('{');
        }
        (is_hidden, is_exported) = (false, false);
    }
    found
}

/// How often `code` uses an item.
fn uses(code: &str, item: &Item) -> usize {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let of = |(at, _): (usize, &str)| {
        let (before, after) = (&code[..at], &code[at + item.name.len()..]);
        let is_whole = !before.ends_with(is_part) && !after.starts_with(is_part);
        // An example may also be an implementation that has the function.
        let is_used = !item.is_function || before.ends_with(['.', ':']) || before.ends_with("fn ");
        is_whole && is_used
    };
    code.match_indices(&item.name)
        .filter(|&use_| of(use_))
        .count()
}

#[test]
fn every_public_item_has_an_example() {
    let folder = workspace().join(INTERFACE);
    let mut files = Vec::new();
    rust_files(&folder, &mut files);
    let mut problems = Vec::new();
    let mut seen = 0;
    for path in files {
        let name = path.strip_prefix(&folder).expect("inside").display();
        if HIDDEN.contains(&name.to_string().as_str()) {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("UTF-8 text");
        let (code, items) = (examples(&text), items(&text));
        seen += items.len();
        let mut named: BTreeMap<&str, usize> = BTreeMap::new();
        for item in &items {
            *named.entry(&item.name).or_default() += 1;
        }
        for item in &items {
            if uses(&code, item) < named[item.name.as_str()] {
                let (line, item) = (item.line, &item.name);
                problems.push(format!(
                    "{INTERFACE}/{name}:{line}: `{item}` has no example"
                ));
            }
        }
    }
    assert!(seen > 400, "the interface has more items than {seen}");
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn every_derive_macro_has_an_example() {
    let text = std::fs::read_to_string(workspace().join(MACROS)).expect("UTF-8 text");
    let (mut has_example, mut is_hidden, mut seen) = (false, false, 0);
    for line in text.lines() {
        let is_attribute = line.starts_with("#[");
        match documentation(line) {
            Some(text) => has_example |= text.starts_with("```"),
            None if line == "#[doc(hidden)]" => is_hidden = true,
            None if line.starts_with("pub fn ") => {
                assert!(has_example || is_hidden, "no example: {line}");
                seen += 1;
            }
            None => {}
        }
        if !is_attribute && documentation(line).is_none() {
            (has_example, is_hidden) = (false, false);
        }
    }
    assert!(seen >= 3, "there are more macros than {seen}");
}

#[test]
fn items_are_found() {
    let text = "pub struct A;\npub trait T {\n    fn f(&self);\n}\nimpl A {\n    \
                pub const fn g() {}\n    fn h() {}\n    #[doc(hidden)]\n    pub fn i() {}\n}\n\
                #[doc(hidden)]\npub struct B<'a> {}\nimpl<'a> B<'a> {\n    pub fn j() {}\n}\n\
                #[macro_export]\nmacro_rules! k {\n}\nmod sealed {\n    pub trait Sealed {}\n}\n";
    let names: Vec<String> = items(text).into_iter().map(|item| item.name).collect();
    assert_eq!(names, ["A", "T", "f", "g", "k"]);
}

#[test]
fn uses_are_told_from_other_words() {
    let function = |name: &str| Item {
        name: name.to_owned(),
        line: 1,
        is_function: true,
    };
    let text = "/// ```\n/// let get = table.get(1)?;\n/// T::set(1);\n/// ```\n/// ```compile_fail\n\
                /// x.other();\n/// ```\n/// a.text()\n";
    let code = examples(text);
    assert_eq!(uses(&code, &function("get")), 1);
    assert_eq!(uses(&code, &function("set")), 1);
    assert_eq!(uses(&code, &function("other")), 0);
    assert_eq!(uses(&code, &function("text")), 0);
    assert_eq!(uses(&code, &function("ge")), 0);
}
