//! Source lines that show where an error is, for people at a terminal.
//!
//! All that an uncaught error leaves is its message, so a snippet is made from that: the message
//! begins with chunk and line, and names a variable where one is to blame. A message that is a
//! syntax error of its chunk is recognised by compiling the chunk once more, which also tells the
//! token. What can't be told with certainty is not shown: the marks are under the whole line
//! where the variable occurs in it twice.

use std::io::IsTerminal;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use perilune_frontend::compile;
use perilune_frontend::error::chunk_id;
use perilune_stdlib::base::program::read_source;

/// How snippets look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Text only.
    Plain,
    /// With colours.
    Coloured,
}

impl Look {
    /// How they look on standard error; `None` where they are not shown: without a wish it is a
    /// terminal that they are shown on. Colours are for terminals whose user has not set
    /// `NO_COLOR`.
    pub fn of_standard_error(wanted: Option<bool>) -> Option<Look> {
        let is_terminal = std::io::stderr().is_terminal();
        let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_none_or(|terminal| terminal == "dumb");
        wanted.unwrap_or(is_terminal).then_some(
            match is_terminal && !is_set("NO_COLOR") && !is_dumb {
                true => Look::Coloured,
                false => Look::Plain,
            },
        )
    }
}

/// The snippet for an uncaught error, if its message names a place that can be read. `text` is a
/// chunk that is in no file, with its name.
pub fn of_message(message: &[u8], text: Option<(&[u8], &[u8])>, look: Look) -> Option<String> {
    let message = message.split(|&byte| byte == b'\n').next()?;
    let (chunk, line) = place(message)?;
    let (source, name) = match text {
        Some((name, source)) if chunk_id(name) == chunk => (source.to_vec(), name.to_vec()),
        // What these names stand for has been read, or was typed in.
        _ if matches!(chunk, b"stdin" | b"(command line)") => return None,
        _ => read_source(Some(chunk)).ok()?,
    };
    let bounds = line_bounds(&source, line)?;
    let marked = match compile(&source, &name) {
        Err(error) if error.message == message => error.span,
        _ => blamed_name(message).and_then(|name| only_occurrence(&source, &bounds, name)),
    };
    let trimmed = trim(&source, bounds.clone());
    let marked = marked
        .map(|span| span.start.max(bounds.start)..span.end.min(bounds.end))
        .filter(|span| span.start <= span.end)
        .unwrap_or(trimmed);
    Some(render(
        &source[bounds.clone()],
        chunk,
        line,
        marked,
        bounds.start,
        look,
    ))
}

/// Draws a line with marks under `marked`, which counts from `base`.
fn render(
    line_text: &[u8],
    chunk: &[u8],
    line: usize,
    marked: Range<usize>,
    base: usize,
    look: Look,
) -> String {
    // Replacing what is not UTF-8 may move what comes after it.
    let shown_at = |offset: usize| String::from_utf8_lossy(&line_text[..offset - base]).len();
    let text = String::from_utf8_lossy(line_text);
    let end = (shown_at(marked.start)..=shown_at(marked.end).min(text.len()))
        .rev()
        .find(|&at| text.is_char_boundary(at))
        .unwrap_or(0);
    let start = (0..=shown_at(marked.start).min(end))
        .rev()
        .find(|&at| text.is_char_boundary(at))
        .unwrap_or(0);
    let renderer = match look {
        Look::Plain => Renderer::plain(),
        Look::Coloured => Renderer::styled(),
    };
    let snippet = Snippet::source(text)
        .line_start(line)
        .path(String::from_utf8_lossy(chunk))
        .annotation(AnnotationKind::Primary.span(start..end));
    let mut drawn = renderer.render(&[Group::with_level(Level::ERROR).element(snippet)]);
    drawn.push('\n');
    drawn
}

/// The chunk and line that a message begins with.
fn place(message: &[u8]) -> Option<(&[u8], usize)> {
    let colons = (1..message.len()).filter(|&at| message[at] == b':');
    for colon in colons {
        let rest = &message[colon + 1..];
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits > 0 && rest[digits..].starts_with(b": ") {
            let line = std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()?;
            return Some((&message[..colon], line));
        }
    }
    None
}

/// Where line `number` is in a source text, its line end left out.
fn line_bounds(source: &[u8], number: usize) -> Option<Range<usize>> {
    let mut start = 0;
    for current in 1.. {
        let length = source[start..]
            .iter()
            .take_while(|byte| !matches!(byte, b'\n' | b'\r'))
            .count();
        let end = start + length;
        if current == number {
            return Some(start..end);
        }
        start = match source[end..] {
            [b'\n', b'\r', ..] | [b'\r', b'\n', ..] => end + 2,
            [_, ..] => end + 1,
            [] => return None,
        };
    }
    None
}

fn trim(source: &[u8], mut span: Range<usize>) -> Range<usize> {
    while span.start < span.end && source[span.start].is_ascii_whitespace() {
        span.start += 1;
    }
    while span.start < span.end && source[span.end - 1].is_ascii_whitespace() {
        span.end -= 1;
    }
    span
}

/// The variable, field or function that a run-time error's message names.
fn blamed_name(message: &[u8]) -> Option<&[u8]> {
    const BEFORE: [&[u8]; 6] = [
        b"(local '",
        b"(upvalue '",
        b"(global '",
        b"(field '",
        b"(method '",
        b" to '",
    ];
    let (start, _) = BEFORE.iter().find_map(|before| {
        let at = message
            .windows(before.len())
            .rposition(|part| part == *before)?;
        Some((at + before.len(), before))
    })?;
    let name = message[start..].split(|&byte| byte == b'\'').next()?;
    name.rsplit(|&byte| byte == b'.').next()
}

/// Where `name` is in a line, if it is there as a whole word, and once.
fn only_occurrence(source: &[u8], line: &Range<usize>, name: &[u8]) -> Option<Range<usize>> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let text = &source[line.clone()];
    if name.is_empty() || !name.iter().all(is_part) {
        return None;
    }
    let mut found = text.windows(name.len()).enumerate().filter(|(at, part)| {
        let before = at.checked_sub(1).and_then(|at| text.get(at));
        let after = text.get(at + name.len());
        *part == name && !before.is_some_and(is_part) && !after.is_some_and(is_part)
    });
    let (at, _) = found.next()?;
    let start = line.start + at;
    found.next().is_none().then(|| start..start + name.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snippet(message: &str, text: &str) -> Option<String> {
        let chunk = (&b"=text"[..], text.as_bytes());
        of_message(message.as_bytes(), Some(chunk), Look::Plain)
    }

    /// What is marked in the line.
    fn marks(message: &str, text: &str) -> String {
        let drawn = snippet(message, text).unwrap_or_default();
        let lines: Vec<&str> = drawn.lines().collect();
        let [.., line, marks] = lines[..] else {
            return String::new();
        };
        let marked = line
            .char_indices()
            .zip(marks.chars().chain(std::iter::repeat(' ')));
        marked
            .filter(|(_, mark)| *mark == '^')
            .map(|((_, shown), _)| shown)
            .collect()
    }

    #[test]
    fn syntax_errors_show_their_token() {
        let of = |text: &str| {
            let error = compile(text.as_bytes(), b"=text").expect_err("it is wrong");
            marks(&String::from_utf8_lossy(&error.message), text)
        };
        assert_eq!(of("x = = 1"), "=");
        assert_eq!(of("local t = {}\nfor i = 1, #t od end"), "od");
        assert_eq!(of("a = 'unfinished"), "'unfinished");
        assert_eq!(of("goto nowhere"), "");
    }

    #[test]
    fn run_time_errors_show_the_name_they_blame() {
        let message = "text:2: attempt to index a nil value (field 'b')\nstack traceback:";
        assert_eq!(marks(message, "--\n\tprint(a.b.c)"), "b");
        assert_eq!(marks(message, "--\r\n  b = a.b.c + 1"), "b = a.b.c + 1");
        let message = "text:1: bad argument #1 to 'string.rep' (number expected, got nil)";
        assert_eq!(marks(message, "x = string.rep(s, n)"), "rep");
        assert_eq!(
            marks("text:1: anything", "  error 'anything'"),
            "error 'anything'"
        );
        let message = "text:1: attempt to call a nil value (global 'f')";
        assert_eq!(marks(message, "s = '\u{e4}\u{f6}' f()"), "f");
    }

    #[test]
    fn places_that_can_not_be_read_show_nothing() {
        assert_eq!(snippet("no place", "x"), None);
        assert_eq!(snippet("text:9: no such line", "x"), None);
        assert_eq!(snippet("/no/such/file.lua:1: gone", "x"), None);
        assert_eq!(snippet("stdin:1: typed in", "x"), None);
        assert_eq!(snippet("", ""), None);
    }

    #[test]
    fn how_it_looks() {
        let message = "text:2: attempt to call a nil value (global 'f')";
        let expected = " --> text:2:5\n  |\n2 | x = f(1)\n  |     ^\n";
        assert_eq!(
            snippet(message, "--\nx = f(1)\n--").as_deref(),
            Some(expected)
        );
    }
}
