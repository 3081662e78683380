//! Syntax errors, in PUC Lua's wording.

use crate::ast::Line;
use std::fmt;
use std::ops::Range;

/// The most bytes of a chunk's name in a message, the closing zero of C included.
const MAX_CHUNK_ID: usize = 60;

/// Why a text is no Lua program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// The complete message as PUC gives it: `chunk:line: what near token`.
    pub message: Vec<u8>,
    /// The line it names.
    pub line: Line,
    /// The text after `near`, if the message has any.
    pub near: Option<Vec<u8>>,
    /// Where in the text the token is that the error is near to, if that is known.
    pub span: Option<Range<usize>>,
    /// Whether more text could make the program right: the error is at the end.
    pub is_incomplete: bool,
    /// Whether it is PUC's "C stack overflow", an error that has no position and that PUC reports
    /// as a run-time error.
    pub is_stack_overflow: bool,
}

impl SyntaxError {
    /// The error `what` at `line`, near `near`.
    pub fn new(chunk_name: &[u8], line: Line, what: &[u8], near: Option<Vec<u8>>) -> Self {
        let mut message = chunk_id(chunk_name);
        message.extend_from_slice(format!(":{line}: ").as_bytes());
        message.extend_from_slice(what);
        if let Some(near) = &near {
            message.extend_from_slice(b" near ");
            message.extend_from_slice(near);
        }
        Self {
            message,
            line,
            is_incomplete: near.as_deref() == Some(b"<eof>"),
            near,
            span: None,
            is_stack_overflow: false,
        }
    }

    /// The error of a program that nests too deeply.
    pub fn stack_overflow(line: Line) -> Self {
        Self {
            message: b"C stack overflow".to_vec(),
            line,
            near: None,
            span: None,
            is_incomplete: false,
            is_stack_overflow: true,
        }
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&String::from_utf8_lossy(&self.message))
    }
}

impl std::error::Error for SyntaxError {}

/// How messages show a chunk whose name is `name`: `@file` as the file (its end if it is long),
/// `=name` as the name, anything else as `[string "first line..."]`.
pub fn chunk_id(name: &[u8]) -> Vec<u8> {
    // PUC's chunk names are C strings.
    let end = name.iter().position(|&byte| byte == 0);
    let name = &name[..end.unwrap_or(name.len())];
    match name {
        [b'=', literal @ ..] => literal[..literal.len().min(MAX_CHUNK_ID - 1)].to_vec(),
        [b'@', file @ ..] if name.len() <= MAX_CHUNK_ID => file.to_vec(),
        [b'@', file @ ..] => {
            let kept = MAX_CHUNK_ID - 1 - b"...".len();
            [b"...", &file[file.len() - kept..]].concat()
        }
        _ => {
            let room = MAX_CHUNK_ID - b"[string \"...\"]".len() - 1;
            let first_line = name.split(|&byte| byte == b'\n').next().unwrap_or(name);
            if first_line.len() == name.len() && name.len() < room {
                return [b"[string \"", name, b"\"]"].concat();
            }
            let kept = &first_line[..first_line.len().min(room)];
            [b"[string \"", kept, b"...\"]"].concat()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> String {
        String::from_utf8_lossy(&chunk_id(name.as_bytes())).into_owned()
    }

    #[test]
    fn chunk_ids() {
        let long = "abcdefghij".repeat(7);
        assert_eq!(id("@file.lua"), "file.lua");
        assert_eq!(id("=stdin"), "stdin");
        assert_eq!(id("return 1"), "[string \"return 1\"]");
        assert_eq!(id("x\ny"), "[string \"x...\"]");
        assert_eq!(id(""), "[string \"\"]");
        assert_eq!(id(&format!("={long}")), long[..59]);
        assert_eq!(id(&format!("@{long}")), format!("...{}", &long[14..]));
        assert_eq!(id(&format!("@{}", &long[..59])), long[..59]);
        assert_eq!(id(&long[..44]), format!("[string \"{}\"]", &long[..44]));
        assert_eq!(id(&long[..45]), format!("[string \"{}...\"]", &long[..45]));
        assert_eq!(id(&long[..46]), format!("[string \"{}...\"]", &long[..45]));
    }
}
