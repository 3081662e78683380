//! The lexer: bytes to tokens (manual §3.1).
//!
//! Invariants:
//! - Source text is bytes, not UTF-8; names and strings are interned without copies where their
//!   text stands in the source as it is.
//! - The line of a token is the line at its *end* (a long string ends later than it starts), as
//!   PUC counts; `\r\n` and `\n\r` are one line break.
//! - What is wrong with a malformed token is told in PUC's words by [`LexError`].

mod string;

use crate::ast::{Interner, Line, Symbol};
use crate::number::{Number, str_to_number};
use logos::{Lexer as LogosLexer, Logos};
use std::cell::{Ref, RefCell};
use std::rc::Rc;
use string::short_string;

pub use string::push_utf8;

/// A token. Names and strings carry their symbol, numerals what [`Lexer::number`] wants to know.
///
/// It fits in two registers, and its variants stand in the order of the grammar's terminals; both
/// make handing it through the parser cheap.
#[derive(Logos, Clone, Copy, Debug, PartialEq)]
#[logos(utf8 = false, extras = State, error = Malformed)]
#[logos(skip(r"[ \t\x0b\x0c]+"))]
#[logos(skip(r"(\n\r?|\r\n?)[ \t]*", callback = line_break))]
#[logos(skip(r"--", callback = comment))]
#[allow(missing_docs, reason = "each token is its own text")]
pub enum Token {
    #[token("and")]
    And,
    #[token("break")]
    Break,
    #[token("do")]
    Do,
    #[token("else")]
    Else,
    #[token("elseif")]
    ElseIf,
    #[token("end")]
    End,
    #[token("false")]
    False,
    #[token("for")]
    For,
    #[token("function")]
    Function,
    #[token("goto")]
    Goto,
    #[token("if")]
    If,
    #[token("in")]
    In,
    #[token("local")]
    Local,
    #[token("nil")]
    Nil,
    #[token("not")]
    Not,
    #[token("or")]
    Or,
    #[token("repeat")]
    Repeat,
    #[token("return")]
    Return,
    #[token("then")]
    Then,
    #[token("true")]
    True,
    #[token("until")]
    Until,
    #[token("while")]
    While,
    #[token("+")]
    Plus,
    #[token("-")]
    Minus,
    #[token("*")]
    Star,
    #[token("/")]
    Slash,
    #[token("%")]
    Percent,
    #[token("^")]
    Caret,
    #[token("#")]
    Hash,
    #[token("&")]
    Ampersand,
    #[token("~")]
    Tilde,
    #[token("|")]
    Pipe,
    #[token("<<")]
    ShiftLeft,
    #[token(">>")]
    ShiftRight,
    #[token("//")]
    DoubleSlash,
    #[token("==")]
    Equal,
    #[token("~=")]
    NotEqual,
    #[token("<=")]
    LessEqual,
    #[token(">=")]
    GreaterEqual,
    #[token("<")]
    Less,
    #[token(">")]
    Greater,
    #[token("=")]
    Assign,
    #[token("(")]
    LeftParen,
    /// A `(` that opens the arguments of a call; told apart by [`crate::tokens`].
    CallParen,
    #[token(")")]
    RightParen,
    #[token("{")]
    LeftBrace,
    #[token("}")]
    RightBrace,
    #[token("[")]
    LeftBracket,
    #[token("]")]
    RightBracket,
    #[token("::")]
    DoubleColon,
    #[token(";")]
    Semicolon,
    #[token(":")]
    Colon,
    #[token(",")]
    Comma,
    #[token(".")]
    Dot,
    #[token("..")]
    Concat,
    #[token("...")]
    Dots,
    #[regex(r"[A-Za-z_][A-Za-z0-9_]*", name)]
    Name(Symbol),
    #[regex("[\"']", short_string)]
    #[regex(r"\[=*\[", long_string)]
    #[regex(r"\[=+", bad_long_string)]
    String(Symbol),
    #[regex(r"[0-9]|\.[0-9]", numeral)]
    Number(u32),
    /// The end of the text.
    EndOfFile,
    /// A byte that begins no token.
    #[regex(r"(?-u:[!$?@`\\\x00-\x08\x0e-\x1f\x7f-\xff])", unknown)]
    Unknown(u32),
}

/// What the lexer keeps besides its position.
#[derive(Debug)]
pub struct State {
    line: Line,
    interner: Rc<RefCell<Interner>>,
    buffer: Vec<u8>,
    /// The values of the last two numerals, the one of token `Number(n)` at `n`: whether it is a
    /// float, and its bits. (Copying the two at once, as an enum, is slow.)
    is_float: [bool; 2],
    number_bits: [u64; 2],
    next_number: u32,
    error: Option<Box<LexError>>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            line: 1,
            interner: Rc::default(),
            buffer: Vec::new(),
            is_float: [false; 2],
            number_bits: [0; 2],
            next_number: 0,
            error: None,
        }
    }
}

/// A malformed token: PUC's message without position, and the text it is near to.
#[derive(Clone, Debug, PartialEq)]
pub struct LexError {
    /// The message.
    pub message: String,
    /// The bytes of the token as far as read; `None` for the end of the text.
    pub near: Option<Vec<u8>>,
}

/// A token is malformed; [`Lexer::explain`] tells why.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Malformed;

impl State {
    /// Keeps a numeral's value; yields what its token carries.
    fn keep(&mut self, number: Number) -> u32 {
        let n = self.next_number;
        let (is_float, bits) = match number {
            Number::Integer(integer) => (false, integer as u64),
            Number::Float(float) => (true, float.to_bits()),
        };
        self.is_float[n as usize & 1] = is_float;
        self.number_bits[n as usize & 1] = bits;
        self.next_number = n ^ 1;
        n
    }

    #[inline]
    fn intern(&self, text: &[u8]) -> Symbol {
        self.interner.borrow_mut().intern(text)
    }

    #[cold]
    fn error(&mut self, message: impl Into<String>, near: Option<Vec<u8>>) -> Malformed {
        self.error = Some(Box::new(LexError {
            message: message.into(),
            near,
        }));
        Malformed
    }
}

impl LexError {
    fn new(message: &str, near: Option<Vec<u8>>) -> Box<Self> {
        Box::new(Self {
            message: message.into(),
            near,
        })
    }
}

type Scanner<'s> = LogosLexer<'s, Token>;

/// A lexer over `source`.
pub struct Lexer<'s> {
    scanner: Scanner<'s>,
}

impl<'s> Lexer<'s> {
    /// A lexer at the beginning of `source`.
    pub fn new(source: &'s [u8]) -> Self {
        Self {
            scanner: Scanner::with_extras(source, State::default()),
        }
    }

    /// The same, with names and strings in `interner`.
    pub(crate) fn sharing(source: &'s [u8], interner: Rc<RefCell<Interner>>) -> Self {
        let state = State {
            interner,
            ..State::default()
        };
        Self {
            scanner: Scanner::with_extras(source, state),
        }
    }

    /// The next token, [`Token::EndOfFile`] at the end and ever after.
    #[inline]
    pub fn next_token(&mut self) -> Result<Token, Malformed> {
        self.scanner.next().unwrap_or(Ok(Token::EndOfFile))
    }

    /// The end of the last token, or where it turned out to be malformed.
    pub(crate) fn position(&self) -> usize {
        self.scanner.span().end
    }

    /// The line reached.
    #[inline]
    pub fn line(&self) -> Line {
        self.scanner.extras.line
    }

    /// Where the last token is.
    pub fn span(&self) -> std::ops::Range<usize> {
        self.scanner.span()
    }

    /// The names and strings read so far.
    pub fn interner(&self) -> Ref<'_, Interner> {
        self.scanner.extras.interner.borrow()
    }

    /// The value of token `Number(n)`, which must be one of the last two numerals read.
    pub fn number(&self, n: u32) -> Number {
        match self.number_bits(n) {
            (false, bits) => Number::Integer(bits as i64),
            (true, bits) => Number::Float(f64::from_bits(bits)),
        }
    }

    /// The same: whether it is a float, and its bits.
    #[inline]
    pub(crate) fn number_bits(&self, n: u32) -> (bool, u64) {
        let state = &self.scanner.extras;
        (
            state.is_float[n as usize & 1],
            state.number_bits[n as usize & 1],
        )
    }

    /// Why the last token is malformed.
    pub fn explain(&mut self) -> LexError {
        match self.scanner.extras.error.take() {
            Some(details) => *details,
            None => LexError {
                message: "unexpected symbol".into(),
                near: Some(self.scanner.slice().to_vec()),
            },
        }
    }

    /// How an error message shows `token`, which is the last one read (PUC's `txtToken`).
    pub fn describe(&self, token: Token) -> Vec<u8> {
        let text = match token {
            Token::String(symbol) => self.string_text(symbol),
            Token::EndOfFile => return b"<eof>".to_vec(),
            Token::Unknown(byte) if !(0x20..0x7f).contains(&byte) => {
                return format!("'<\\{byte}>'").into_bytes();
            }
            _ => self.scanner.slice().to_vec(),
        };
        quote(&text)
    }

    /// A string token as PUC keeps it: delimiters, and the contents after escapes.
    fn string_text(&self, symbol: Symbol) -> Vec<u8> {
        let slice = self.scanner.slice();
        let delimiter = match slice.first() {
            Some(b'[') => 2 + slice[1..].iter().take_while(|&&b| b == b'=').count(),
            _ => 1,
        };
        let mut text = slice[..delimiter].to_vec();
        text.extend_from_slice(self.interner().resolve(symbol));
        text.extend_from_slice(&slice[slice.len() - delimiter..]);
        text
    }
}

/// `'text'`, ending at the first zero byte, as C's `%s` prints it.
pub fn quote(text: &[u8]) -> Vec<u8> {
    let end = text.iter().position(|&byte| byte == 0);
    let mut quoted = vec![b'\''];
    quoted.extend_from_slice(&text[..end.unwrap_or(text.len())]);
    quoted.push(b'\'');
    quoted
}

fn name(lexer: &mut Scanner<'_>) -> Symbol {
    let text = lexer.slice();
    lexer.extras.intern(text)
}

fn unknown(lexer: &mut Scanner<'_>) -> u32 {
    lexer.slice()[0].into()
}

fn line_break(lexer: &mut Scanner<'_>) {
    lexer.extras.line += 1;
}

/// How many bytes the line break at the start of `text` has: 0, 1 or 2.
fn line_break_length(text: &[u8]) -> usize {
    match text {
        [b'\n', b'\r', ..] | [b'\r', b'\n', ..] => 2,
        [b'\n' | b'\r', ..] => 1,
        _ => 0,
    }
}

/// Skips a comment whose `--` has been read.
fn comment(lexer: &mut Scanner<'_>) -> Result<(), Malformed> {
    let rest = lexer.remainder();
    if let [b'[', tail @ ..] = rest {
        let level = tail.iter().take_while(|&&byte| byte == b'=').count();
        if tail.get(level) == Some(&b'[') {
            lexer.bump(level + 2);
            return long_bracket(lexer, level, "comment").map(|_| ());
        }
    }
    let length = memchr::memchr2(b'\n', b'\r', rest);
    lexer.bump(length.unwrap_or(rest.len()));
    Ok(())
}

fn long_string(lexer: &mut Scanner<'_>) -> Result<Symbol, Malformed> {
    let level = lexer.slice().len() - 2;
    let (length, has_return) = long_bracket(lexer, level, "string")?;
    let end = lexer.slice().len() - (level + 2);
    let text = &lexer.slice()[end - length..end];
    let text = &text[line_break_length(text)..];
    if !has_return {
        return Ok(lexer.extras.intern(text));
    }
    // Every kind of line break becomes '\n'.
    let mut buffer = std::mem::take(&mut lexer.extras.buffer);
    buffer.clear();
    let mut rest = text;
    while let [byte, tail @ ..] = rest {
        let length = line_break_length(rest);
        buffer.push(if length > 0 { b'\n' } else { *byte });
        rest = if length > 0 { &rest[length..] } else { tail };
    }
    let symbol = lexer.extras.intern(&buffer);
    lexer.extras.buffer = buffer;
    Ok(symbol)
}

/// Skips to after the closing bracket of `level`; tells the length of what is between and whether
/// it contains a carriage return.
fn long_bracket(
    lexer: &mut Scanner<'_>,
    level: usize,
    what: &str,
) -> Result<(usize, bool), Malformed> {
    let rest = lexer.remainder();
    let first_line = lexer.extras.line;
    let mut position = 0;
    let mut has_return = false;
    while let Some(&byte) = rest.get(position) {
        match byte {
            b']' => {
                let tail = &rest[position + 1..];
                let equals = tail.iter().take_while(|&&byte| byte == b'=').count();
                if equals == level && tail.get(level) == Some(&b']') {
                    lexer.bump(position + level + 2);
                    return Ok((position, has_return));
                }
                position += 1 + equals;
            }
            b'\n' | b'\r' => {
                let length = line_break_length(&rest[position..]);
                has_return |= byte == b'\r' || length == 2;
                lexer.extras.line += 1;
                position += length;
            }
            _ => position += 1,
        }
    }
    lexer.bump(rest.len());
    let message = format!("unfinished long {what} (starting at line {first_line})");
    Err(lexer.extras.error(message, None))
}

fn bad_long_string(lexer: &mut Scanner<'_>) -> Result<Symbol, Malformed> {
    let near = Some(lexer.slice().to_vec());
    Err(lexer.extras.error("invalid long string delimiter", near))
}

/// Reads a numeral as greedily as PUC: `3x` and `0xep1-2` are malformed, not two tokens.
fn numeral(lexer: &mut Scanner<'_>) -> Result<u32, Malformed> {
    let start = lexer.span().start;
    let text = &lexer.source()[start..];
    let mut position = usize::from(text[0] == b'.');
    let first = text[position];
    position += 1;
    let mut exponent = b'e';
    let mut value = i64::from(first - b'0');
    if first == b'0' && matches!(text.get(position), Some(b'x' | b'X')) {
        position += 1;
        exponent = b'p';
    } else if position == 1 {
        // Most numerals are a few decimal digits.
        while let Some(digit @ b'0'..=b'9') = text.get(position).filter(|_| position < 18) {
            value = value * 10 + i64::from(digit - b'0');
            position += 1;
        }
        let more = text.get(position);
        if !more.is_some_and(|&byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'_') {
            lexer.bump(position - lexer.slice().len());
            return Ok(lexer.extras.keep(Number::Integer(value)));
        }
    }
    while let Some(&byte) = text.get(position) {
        if byte | 0x20 == exponent {
            position += 1;
            if matches!(text.get(position), Some(b'+' | b'-')) {
                position += 1;
            }
        } else if byte.is_ascii_hexdigit() || byte == b'.' {
            position += 1;
        } else {
            // A letter that touches the numeral makes it malformed.
            position += usize::from(byte.is_ascii_alphabetic() || byte == b'_');
            break;
        }
    }
    lexer.bump(position - lexer.slice().len());
    match str_to_number(&text[..position]) {
        Some(number) => Ok(lexer.extras.keep(number)),
        None => {
            let near = Some(text[..position].to_vec());
            Err(lexer.extras.error("malformed number", near))
        }
    }
}
