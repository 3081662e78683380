//! The token stream that the generated parser reads: lexer tokens with their lines, and two
//! things that a grammar with one token of look-ahead cannot see.
//!
//! - **Calls.** Statements need no separator, so in `a = f` newline `(g)()` the parenthesis may
//!   open arguments or a new statement. Lua says arguments, which is: whenever it directly
//!   follows an expression that can be called. This stream knows (from the few tokens before)
//!   whether that is so and then yields [`Token::CallParen`].
//! - **Depth.** Nesting beyond what PUC allows ends the stream with an error, so that the tree
//!   stays shallow enough for recursion.

use crate::ast::{Interner, Line};
use crate::lexer::{Lexer, Token};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// The stream ended because a token is malformed or nests too deeply; the diagnosis finds out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable;

/// What the builder learns from the token stream.
pub(crate) struct Shared {
    /// The line of the token before the parser's look-ahead.
    pub(crate) previous_line: Cell<Line>,
    /// The names and strings read so far.
    pub(crate) interner: Rc<RefCell<Interner>>,
    /// The values of the last two numerals, the one of token `Number(n)` at `n`: whether it is a
    /// float, and its bits. The grammar makes an expression of a numeral as soon as it sees what
    /// follows, so two are enough.
    pub(crate) numbers: [(Cell<bool>, Cell<u64>); 2],
}

impl Shared {
    /// As at the beginning of a text.
    pub(crate) fn new() -> Self {
        Self {
            previous_line: Cell::new(1),
            interner: Rc::default(),
            numbers: Default::default(),
        }
    }
}

/// As the parser's error.
pub(crate) fn user_error<L, T>(error: Unreadable) -> lalrpop_util::ParseError<L, T, Unreadable> {
    lalrpop_util::ParseError::User { error }
}

/// More brackets and blocks than PUC could possibly nest.
const MAX_NESTING: usize = 200;

/// What the tokens so far mean for a parenthesis that follows.
#[derive(Clone, Copy, PartialEq)]
enum State {
    /// It opens an operand or a statement.
    Plain,
    /// It opens arguments: an expression that can be called has ended.
    Callable,
    /// It opens parameters: after `function` comes at most a name before it.
    FunctionName,
    /// After `local` or a comma: the name (or, after `<`, the attribute) of a new variable.
    LocalName,
    /// After that name or attribute.
    AfterLocalName,
    /// After `goto`: a label.
    Label,
}

/// The token stream.
///
/// It yields each token between its line and its line: the parser's locations are lines.
pub(crate) struct Tokens<'s> {
    lexer: Lexer<'s>,
    shared: &'s Shared,
    line: Line,
    state: State,
    /// For each open `(` and `{`, whether what it closes can be called.
    brackets: Vec<bool>,
    /// How many `[` and blocks are open.
    blocks: usize,
    finished: bool,
}

impl<'s> Tokens<'s> {
    /// The tokens of `source`.
    pub(crate) fn new(source: &'s [u8], shared: &'s Shared) -> Self {
        Self {
            lexer: Lexer::sharing(source, shared.interner.clone()),
            shared,
            line: 1,
            state: State::Plain,
            brackets: Vec::new(),
            blocks: 0,
            finished: false,
        }
    }

    /// Tells a call's parenthesis from another and keeps track of brackets and blocks.
    #[inline]
    fn classify(&mut self, token: Token) -> Token {
        let state = std::mem::replace(&mut self.state, State::Plain);
        if let Token::Name(_) = token {
            self.state = match state {
                State::FunctionName => State::FunctionName,
                State::LocalName => State::AfterLocalName,
                State::Label => State::Plain,
                _ => State::Callable,
            };
            return token;
        }
        match token {
            Token::Number(n) => {
                let (is_float, bits) = self.lexer.number_bits(n);
                let place = &self.shared.numbers[n as usize & 1];
                place.0.set(is_float);
                place.1.set(bits);
            }
            Token::LeftParen => {
                self.brackets.push(state != State::FunctionName);
                if state == State::Callable {
                    return Token::CallParen;
                }
            }
            #[allow(
                clippy::collapsible_match,
                reason = "a guard with a side effect misleads"
            )]
            Token::RightParen | Token::RightBrace => {
                self.state = match self.brackets.pop() {
                    Some(true) => State::Callable,
                    _ => State::Plain,
                };
            }
            // An argument; otherwise a literal, which cannot be called.
            Token::String(_) if state == State::Callable => self.state = state,
            Token::LeftBrace => self.brackets.push(state == State::Callable),
            Token::LeftBracket => self.blocks += 1,
            Token::RightBracket => {
                self.state = State::Callable;
                self.blocks = self.blocks.saturating_sub(1);
            }
            Token::Local => self.state = State::LocalName,
            Token::Comma | Token::Less if state == State::AfterLocalName => {
                self.state = State::LocalName;
            }
            Token::Greater if state == State::AfterLocalName => self.state = state,
            Token::Function => {
                self.state = State::FunctionName;
                self.blocks += 1;
            }
            Token::Dot | Token::Colon if state == State::FunctionName => self.state = state,
            Token::Goto => self.state = State::Label,
            Token::Do | Token::If | Token::Repeat => self.blocks += 1,
            Token::End | Token::Until => self.blocks = self.blocks.saturating_sub(1),
            Token::EndOfFile => self.finished = true,
            _ => {}
        }
        token
    }
}

impl Iterator for Tokens<'_> {
    type Item = Result<(Line, Token, Line), Unreadable>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.finished {
            return None;
        }
        let Ok(token) = self.lexer.next_token() else {
            return Some(Err(Unreadable));
        };
        let line = self.lexer.line();
        let previous_line = std::mem::replace(&mut self.line, line);
        self.shared.previous_line.set(previous_line);
        let token = self.classify(token);
        if self.brackets.len() + self.blocks > MAX_NESTING {
            return Some(Err(Unreadable));
        }
        Some(Ok((line, token, line)))
    }
}
