//! Mutations of texts: the byte-level fuzzer of lexer and parser.
//!
//! A seed picks one of the corpus's files, a piece of it, and some changes: bytes, tokens of the
//! language, pieces copied from elsewhere. Whether the result is accepted, and the message if not,
//! must be the reference implementation's.

use crate::random::Random;

/// What lexers and parsers trip over.
const TOKENS: &[&str] = &[
    "and",
    "break",
    "do",
    "else",
    "elseif",
    "end",
    "false",
    "for",
    "function",
    "goto",
    "if",
    "in",
    "local",
    "nil",
    "not",
    "or",
    "repeat",
    "return",
    "then",
    "true",
    "until",
    "while",
    "+",
    "-",
    "*",
    "/",
    "%",
    "^",
    "#",
    "&",
    "~",
    "|",
    "<<",
    ">>",
    "//",
    "==",
    "~=",
    "<=",
    ">=",
    "<",
    ">",
    "=",
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    "::",
    ";",
    ":",
    ",",
    ".",
    "..",
    "...",
    "<const>",
    "<close>",
    "0x",
    "0xp1",
    "1e",
    "1e+",
    "3..2",
    "0x.8p-1",
    "08",
    "1e400",
    "9223372036854775808",
    "[[",
    "]]",
    "[=[",
    "]=]",
    "--[[",
    "--",
    "\"",
    "'",
    "\\x4",
    "\\u{110000000}",
    "\\z",
    "\\999",
    "\\q",
    "\\",
    "\n",
    "\r\n",
    "\0",
    "\u{feff}",
    "::a::",
    "goto a",
    "a.b:c",
    "\"\\u{7fffffff}\"",
    "x <const> = 1",
];

/// The mutated text of a seed.
pub(crate) fn program(seed: u64, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut random = Random::new(seed, 0xb17e);
    let mut text = piece(&mut random, corpus, 1500);
    for _ in 0..1 + random.below(4) {
        mutate(&mut random, &mut text, corpus);
    }
    text
}

/// Some whole lines of a file.
fn piece(random: &mut Random, corpus: &[Vec<u8>], most: usize) -> Vec<u8> {
    if corpus.is_empty() {
        return Vec::new();
    }
    let file = random.pick(corpus);
    let lines: Vec<&[u8]> = file.split_inclusive(|&byte| byte == b'\n').collect();
    if lines.is_empty() {
        return Vec::new();
    }
    let mut text = Vec::new();
    for line in &lines[random.below(lines.len())..] {
        text.extend_from_slice(line);
        if text.len() > most || random.one_in(12) {
            break;
        }
    }
    text
}

fn mutate(random: &mut Random, text: &mut Vec<u8>, corpus: &[Vec<u8>]) {
    let at = random.below(text.len() + 1);
    let end = text.len().min(at + 1 + random.below(8));
    match random.below(7) {
        0 => {
            text.drain(at..end);
        }
        1 => text.insert(at, random.below(256) as u8),
        2 if at < text.len() => text[at] = random.below(256) as u8,
        3 => {
            let token = random.pick(TOKENS);
            text.splice(at..at, format!(" {token} ").into_bytes());
        }
        4 => {
            let token = random.pick(TOKENS);
            text.splice(at..end, token.bytes());
        }
        5 => {
            let copied = text[at..end].to_vec();
            let times = 1 + random.below(3);
            text.splice(at..at, copied.repeat(times));
        }
        _ => {
            let other = piece(random, corpus, 60);
            text.splice(at..at, other);
        }
    }
}
