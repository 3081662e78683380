//! From text to resolved tree.

use crate::ast::{Chunk, Function, Interner, ResolvedInfo};
use crate::builder::Builder;
use crate::diagnose::diagnose;
use crate::error::SyntaxError;
use crate::grammar::ChunkParser;
use crate::resolve::resolve;
use crate::tokens::Tokens;
use std::cell::Cell;

/// Parses and resolves a chunk. A byte order mark or a first line that starts with `#` is for the
/// caller to remove.
pub fn parse(source: &[u8], chunk_name: &[u8]) -> Result<(Chunk, Interner), SyntaxError> {
    parse_valid(source).ok_or_else(|| {
        // The parser and the diagnosis agree on what is wrong; should they ever not, it is still
        // an error, though without PUC's words for it.
        diagnose(source, chunk_name)
            .unwrap_or_else(|| SyntaxError::new(chunk_name, 1, b"syntax error", None))
    })
}

/// The tree of a valid program.
fn parse_valid(source: &[u8]) -> Option<(Chunk, Interner)> {
    let previous_line = Cell::new(1);
    let mut tokens = Tokens::new(source, &previous_line);
    let mut builder = Builder::new(&previous_line);
    let body = ChunkParser::new().parse(&mut builder, &mut tokens).ok()?;
    if builder.invalid {
        return None;
    }
    let mut chunk = Chunk {
        main: Function {
            params: Vec::new(),
            is_vararg: true,
            body,
            line: 0,
            end_line: 0,
            info: ResolvedInfo::default(),
        },
        constants: Vec::new(),
    };
    resolve(&mut chunk).ok()?;
    Some((chunk, tokens.into_interner()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program with every construct.
    const SAMPLE: &str = r#"
local a <const>, b <close>, c = 1, nil, ...
local function fact(n) if n <= 1 then return 1 else return n * fact(n - 1) end end
function t.x.y:m(p, ...) self.q = p; return ... end
do local x = -2 ^ 2 .. "s" end
while not a == b and c do if x then break end goto continue ::continue:: end
repeat local z = #t until z > 3 or z ~= 4
for i = 1, 10, 2 do f(i) end
for k, v in pairs(t) do t[k], u = v, { 1, 2; x = 3, [4] = 5, f(), } end
f "s" { } [[x]] :m(1, 2).y = (function(...) return ... end)(a)
(g or h)()
if a then elseif b then else end
x = a | b & c ~ d << 1 >> 2 // 3 % 4
::l:: ; goto l
return a, b
"#;

    fn agree(text: &str) {
        let valid = parse_valid(text.as_bytes()).is_some();
        let error = diagnose(text.as_bytes(), b"=");
        assert_eq!(valid, error.is_none(), "{error:?} in\n{text}");
    }

    #[test]
    fn grammar_and_diagnosis_agree() {
        let words: Vec<&str> = SAMPLE.split_inclusive([' ', '\n']).collect();
        let others = [
            "end ",
            "do ",
            "( ",
            ") ",
            "{ ",
            "} ",
            "[ ",
            "] ",
            "= ",
            ", ",
            "local ",
            "x ",
            "function ",
            "return ",
            "break ",
            "goto x ",
            "::x:: ",
            "1 ",
            "... ",
            "if ",
            "then ",
            "else ",
            "until ",
            "for ",
            "in ",
            "not ",
            "- ",
            ".. ",
            "^ ",
            "\"s\" ",
            "; ",
            ": ",
            ". ",
            "<const> ",
            "repeat ",
            "while ",
            "c = 1 ",
        ];
        agree(SAMPLE);
        for index in 0..words.len() {
            let with = |middle: &[&str], skipped: usize| {
                let parts = [&words[..index], middle, &words[index + skipped..]];
                agree(&parts.concat().concat());
            };
            with(&[], 1);
            with(&[words[index]], 0);
            if index + 1 < words.len() {
                with(&[words[index + 1], words[index]], 2);
            }
            for other in others {
                with(&[other], 1);
                with(&[other], 0);
            }
        }
    }
}
