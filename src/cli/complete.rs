//! Completion at the interactive prompt: keywords, globals, and the fields of whatever a dotted
//! path leads to.
//!
//! Looking up a path never runs Lua code: fields are read raw, and `__index` is followed only
//! where it is a table.

use std::rc::Rc;

use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::Validator;
use rustyline::{Context, Helper, Result};

use super::engine::Engine;

const KEYWORDS: &[&str] = &[
    "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in",
    "local", "nil", "not", "or", "repeat", "return", "then", "true", "until", "while",
];

/// The editor's helper.
pub(crate) struct Completion {
    engine: Rc<Engine>,
}

impl Completion {
    /// Completes from the globals of `engine`.
    pub(crate) fn new(engine: &Rc<Engine>) -> Self {
        Completion {
            engine: Rc::clone(engine),
        }
    }
}

/// The dotted path in front of a cursor: names that lead to a table, and the name begun.
#[derive(Debug, PartialEq, Eq)]
struct Path<'a> {
    /// Byte offset where the unfinished name starts.
    start: usize,
    /// The names in front of it.
    parents: Vec<&'a str>,
    /// What has been typed of the name.
    begun: &'a str,
}

/// Finds the path that ends at the end of `line`.
fn path_before(line: &str) -> Path<'_> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':');
    let path_start = line.rfind(|c| !is_part(c)).map_or(0, |at| {
        at + line[at..].chars().next().map_or(1, char::len_utf8)
    });
    let path = &line[path_start..];
    let (parents, begun) = match path.rfind(['.', ':']) {
        Some(at) => (path[..at].split(['.', ':']).collect(), &path[at + 1..]),
        None => (Vec::new(), path),
    };
    Path {
        start: line.len() - begun.len(),
        parents,
        begun,
    }
}

impl Completer for Completion {
    type Candidate = String;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> Result<(usize, Vec<String>)> {
        let path = path_before(&line[..at]);
        if path.parents.is_empty() && path.begun.is_empty() {
            return Ok((at, Vec::new()));
        }
        let mut names = self.engine.member_names(&path.parents);
        if path.parents.is_empty() {
            names.extend(KEYWORDS.iter().map(|&keyword| keyword.to_owned()));
        }
        names.retain(|name| name.starts_with(path.begun));
        names.sort();
        names.dedup();
        Ok((path.start, names))
    }
}

impl Hinter for Completion {
    type Hint = String;
}

impl Highlighter for Completion {}

impl Validator for Completion {}

impl Helper for Completion {}

#[cfg(test)]
mod tests {
    use super::{Path, path_before};

    #[test]
    fn paths_end_at_the_cursor() {
        let path = path_before("print(string.fo");
        assert_eq!(
            path,
            Path {
                start: 13,
                parents: vec!["string"],
                begun: "fo"
            }
        );
        assert_eq!(path_before("a = é.x:y.").parents, ["", "x", "y"]);
        assert_eq!(
            path_before("pri"),
            Path {
                start: 0,
                parents: vec![],
                begun: "pri"
            }
        );
        assert_eq!(path_before("f(").begun, "");
    }
}
