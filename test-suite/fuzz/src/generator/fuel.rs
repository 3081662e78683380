//! Fuel: makes programs end, by construction.
//!
//! What may run without bound counts down a number that no program can raise, and fails when it is
//! used up: the bodies of `while`, `repeat` and generic `for`, labels that are jumped back to, and
//! named functions that mention their own name. Numeric loops of the generator and its kits end by
//! themselves. The failure is an ordinary error, which both sides raise at the same place; a loop
//! can't go on by catching it, because the count is in the loop's body.
//!
//! This is a pass over the finished text. It knows words, strings, comments and brackets, which is
//! enough to find the bodies.

/// What counts: one local variable of the prelude.
const TICK: &str = " fuel = fuel - 1 if fuel < 0 then spent() end";

/// Labels that are jumped back to.
const BACKWARD_LABELS: &[&str] = &["again", "top"];

/// An open block.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Block {
    /// `while`, or a `for` that was seen to be generic, whose `do` is still to come.
    Loop,
    /// `for`, so far.
    For,
    /// A function of that name, which counts if it mentions itself: where its body starts.
    Function(String, usize),
    /// Any other.
    Plain,
}

/// `text` with fuel.
pub(super) fn add_fuel(text: &str) -> String {
    let mut places = Vec::new();
    let mut blocks: Vec<Block> = Vec::new();
    let mut at = 0;
    let mut previous = "";
    while let Some(token) = next_token(text, at) {
        let word = &text[token.start..token.end];
        at = token.end;
        match word {
            "while" => blocks.push(Block::Loop),
            "for" => blocks.push(Block::For),
            "in" => {
                if let Some(block) = blocks.last_mut()
                    && *block == Block::For
                {
                    *block = Block::Loop;
                }
            }
            "do" => match blocks.last_mut() {
                Some(block) if *block == Block::Loop => {
                    places.push(at);
                    *block = Block::Plain;
                }
                Some(block) if *block == Block::For => *block = Block::Plain,
                _ => blocks.push(Block::Plain),
            },
            "if" => blocks.push(Block::Plain),
            "repeat" => {
                places.push(at);
                blocks.push(Block::Plain);
            }
            "function" => {
                let (name, body) = function_head(text, at);
                blocks.push(Block::Function(name, body));
                at = body;
            }
            "end" | "until" => {
                blocks.pop();
            }
            "::" => {
                let label = text[at..].split("::").next().unwrap_or("").trim();
                let end = at + text[at..].find("::").map_or(0, |length| length + 2);
                if BACKWARD_LABELS.contains(&label) {
                    places.push(end);
                }
                at = end.max(at);
            }
            name if previous != "." && !name.is_empty() => {
                for block in &mut blocks {
                    if let Block::Function(own, body) = block
                        && own == name
                    {
                        places.push(*body);
                        own.clear();
                    }
                }
            }
            _ => {}
        }
        previous = word;
    }
    insert(text, places)
}

fn insert(text: &str, mut places: Vec<usize>) -> String {
    places.sort_unstable();
    places.dedup();
    let mut result = String::with_capacity(text.len() + places.len() * TICK.len());
    let mut from = 0;
    for place in places {
        result.push_str(&text[from..place]);
        result.push_str(TICK);
        if !text[place..].starts_with(char::is_whitespace) {
            result.push(' ');
        }
        from = place;
    }
    result.push_str(&text[from..]);
    result
}

/// The last part of the name of the function whose `function` ends at `at`, and where its body
/// starts. Parameters have no brackets.
fn function_head(text: &str, at: usize) -> (String, usize) {
    let open = text[at..].find('(').map_or(text.len(), |n| at + n);
    let body = text[open..].find(')').map_or(text.len(), |n| open + n + 1);
    let name = text[at..open].rsplit(['.', ':']).next().unwrap_or("");
    (name.trim().to_owned(), body)
}

/// Where a token is.
#[derive(Clone, Copy, Debug)]
struct Token {
    start: usize,
    end: usize,
}

/// The next word, `::` or other character from `at` on, not in a string or comment.
fn next_token(text: &str, mut at: usize) -> Option<Token> {
    let bytes = text.as_bytes();
    loop {
        let &byte = bytes.get(at)?;
        if byte.is_ascii_alphabetic() || byte == b'_' {
            let length = bytes[at..]
                .iter()
                .take_while(|b| b.is_ascii_alphanumeric() || **b == b'_')
                .count();
            let end = at + length;
            return Some(Token { start: at, end });
        }
        match byte {
            b'"' | b'\'' => at = quoted_end(bytes, at),
            b'[' if bytes[at + 1..].first() == Some(&b'[') => {
                at = text[at..].find("]]").map_or(text.len(), |n| at + n + 2);
            }
            b'-' if bytes[at + 1..].first() == Some(&b'-') => {
                at = text[at..].find('\n').map_or(text.len(), |n| at + n);
            }
            b':' if bytes[at + 1..].first() == Some(&b':') => {
                let end = at + 2;
                return Some(Token { start: at, end });
            }
            b'.' => {
                let end = at + 1;
                return Some(Token { start: at, end });
            }
            // Numerals must not look like words.
            b'0'..=b'9' => {
                at += bytes[at..]
                    .iter()
                    .take_while(|b| b.is_ascii_alphanumeric())
                    .count();
            }
            _ => at += 1,
        }
    }
}

/// The position behind the string that starts at `at`.
fn quoted_end(bytes: &[u8], at: usize) -> usize {
    let mut end = at + 1;
    while end < bytes.len() && bytes[end] != bytes[at] {
        end += if bytes[end] == b'\\' { 2 } else { 1 };
    }
    (end + 1).min(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::{TICK, add_fuel};

    fn check(text: &str) {
        assert_eq!(add_fuel(&text.replace('$', "")), text.replace('$', TICK));
    }

    #[test]
    fn bodies_get_fuel() {
        check("while a do$ x() end");
        check("for k, v in f() do$ do end end for i = 1, 2 do end");
        check("while (function() for i = 1, 2 do end return i end)() do$ end");
        check("repeat$ local x = \"do while\" until x -- repeat\nwhile [[do]] do$ end");
        check("local function f(n)$ return f(n) end local function g() return f.g() end");
        check("::again::$ goto again ::continue::");
        check("function M.g(n) if n then return n end end while x do$ end");
    }
}
