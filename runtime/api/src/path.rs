//! Paths to values within values: `a.b[3]["a key"]?.c`.

use crate::{Error, IntoLua, Lua, Result, Value};
use std::fmt;

/// A key of a path.
#[derive(Debug, PartialEq)]
pub(crate) enum Key {
    Name(String),
    Index(i64),
}

/// A step of a path.
#[derive(Debug, PartialEq)]
pub(crate) struct Step {
    pub(crate) key: Key,
    /// Whether the path ends with nil where this step gives nil.
    pub(crate) stops_at_nil: bool,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::Name(name) => f.write_str(name),
            Key::Index(index) => index.fmt(f),
        }
    }
}

impl IntoLua for &Key {
    fn into_lua(self, lua: &Lua) -> Result<Value> {
        match self {
            Key::Name(name) => name.into_lua(lua),
            Key::Index(index) => Ok(Value::Integer(*index)),
        }
    }
}

struct Reader<'a> {
    path: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.path[self.at..].chars().next()
    }

    fn take(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn take_if(&mut self, wanted: char) -> bool {
        let is_next = self.peek() == Some(wanted);
        if is_next {
            self.at += wanted.len_utf8();
        }
        is_next
    }

    fn error(&self, what: impl fmt::Display, at: usize) -> Error {
        Error::runtime(format!("{what} in path at position {at}"))
    }

    /// A name, up to what can't be in one.
    fn name(&mut self) -> &str {
        let rest = &self.path[self.at..];
        let is_end = |c: char| matches!(c, '.' | '?' | '[') || c.is_ascii_whitespace();
        let name = &rest[..rest.find(is_end).unwrap_or(rest.len())];
        self.at += name.len();
        name
    }

    fn named(&mut self, at: usize) -> Result<Key> {
        let name = self.name().to_owned();
        if name.is_empty() {
            return Err(self.error("empty key", at));
        }
        Ok(Key::Name(name))
    }

    /// What stands between brackets, and the closing one.
    fn bracketed(&mut self) -> Result<Key> {
        let at = self.at;
        let key = match self.peek() {
            Some('0'..='9' | '-') => self.index()?,
            Some(quote @ ('"' | '\'')) => {
                self.take();
                Key::Name(self.quoted(quote, at)?)
            }
            Some(']') => return Err(self.error("empty key", at - 1)),
            Some(other) => return Err(self.error(format!("unexpected character '{other}'"), at)),
            None => return Err(Error::runtime("unexpected end of path")),
        };
        let at = self.at;
        match self.take() {
            Some(']') => Ok(key),
            Some(other) => Err(self.error(format!("expected ']', found '{other}'"), at)),
            None => Err(Error::runtime("unexpected end of path")),
        }
    }

    fn index(&mut self) -> Result<Key> {
        let at = self.at;
        self.take_if('-');
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.take();
        }
        let digits = &self.path[at..self.at];
        if digits == "-" {
            return Err(self.error("invalid integer", at));
        }
        let index = digits
            .parse()
            .map_err(|_| self.error("integer overflow", at))?;
        Ok(Key::Index(index))
    }

    /// A string up to its closing quote. A backslash takes the meaning from quotes and backslashes.
    fn quoted(&mut self, quote: char, at: usize) -> Result<String> {
        let mut text = String::new();
        loop {
            match self.take() {
                Some(c) if c == quote => return Ok(text),
                Some('\\') => match self.take() {
                    Some(c @ ('\\' | '"' | '\'')) => text.push(c),
                    Some(other) => text.extend(['\\', other]),
                    None => {}
                },
                Some(c) => text.push(c),
                None => {
                    let what = "unexpected end of string";
                    return Err(Error::runtime(format!("{what} at position {at}")));
                }
            }
        }
    }
}

/// The steps of a path.
///
/// # Errors
/// What is wrong with it, and where.
pub(crate) fn parse(path: &str) -> Result<Vec<Step>> {
    let mut reader = Reader { path, at: 0 };
    let mut steps = Vec::new();
    while let Some(next) = reader.peek() {
        let at = reader.at;
        let key = match next {
            c if c.is_ascii_whitespace() => {
                reader.take();
                continue;
            }
            '.' => {
                reader.take();
                reader.named(at)?
            }
            '[' => {
                reader.take();
                reader.bracketed()?
            }
            _ if steps.is_empty() => reader.named(at)?,
            other => return Err(reader.error(format!("unexpected character '{other}'"), at)),
        };
        let stops_at_nil = reader.take_if('?');
        steps.push(Step { key, stops_at_nil });
    }
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::{Key, parse};

    fn keys(path: &str) -> Vec<(String, bool)> {
        let steps = parse(path).unwrap();
        let key = |key: &Key| match key {
            Key::Name(name) => name.clone(),
            Key::Index(index) => format!("#{index}"),
        };
        steps
            .iter()
            .map(|step| (key(&step.key), step.stops_at_nil))
            .collect()
    }

    #[test]
    fn steps_are_names_indices_and_strings() {
        let of = |list: &[(&str, bool)]| -> Vec<(String, bool)> {
            list.iter()
                .map(|&(key, stops)| (key.to_owned(), stops))
                .collect()
        };
        let expected = [
            ("a", false),
            ("b", false),
            ("#3", true),
            ("c", false),
            ("d", false),
        ];
        assert_eq!(keys("a.b[3]?.c['d']"), of(&expected));
        assert_eq!(
            keys(r#"["a \"b\" \\ \n"]"#),
            of(&[(r#"a "b" \ \n"#, false)])
        );
        assert_eq!(keys("[-12].é?"), of(&[("#-12", false), ("é", true)]));
        assert_eq!(keys(""), of(&[]));
        assert_eq!(keys("  "), of(&[]));
    }

    #[test]
    fn errors_say_what_is_wrong_and_where() {
        let cases = [
            ("a..b", "empty key in path at position 1"),
            ("a.b.", "empty key in path at position 3"),
            (
                "a[unclosed",
                "unexpected character 'u' in path at position 2",
            ),
            ("a[]", "empty key in path at position 1"),
            (r#"a["unclosed"#, "unexpected end of string at position 2"),
            (r#"a["#, "unexpected end of path"),
            ("a[123", "unexpected end of path"),
            (
                "a['bla'123",
                "expected ']', found '1' in path at position 7",
            ),
            (
                r#"a["bla"]x"#,
                "unexpected character 'x' in path at position 8",
            ),
            (
                "a[99999999999999999999]",
                "integer overflow in path at position 2",
            ),
            ("a[-]", "invalid integer in path at position 2"),
        ];
        for (path, message) in cases {
            let error = parse(path).unwrap_err().to_string();
            assert_eq!(error, format!("runtime error: {message}"), "{path}");
        }
    }
}
