//! The diagnosis: what PUC Lua would say about a wrong program.
//!
//! The generated parser only knows *that* a program is wrong. This walks the tokens once more, by
//! recursive descent in the steps of PUC's single-pass parser, and stops at the first error,
//! syntactic or semantic, with PUC's message, line and `near` token. It runs for wrong programs
//! only and builds nothing. Nesting is limited as in PUC, and so is its recursion.
//!
//! - this file: tokens, messages, expressions;
//! - [`statement`]: statements and blocks.

mod statement;

use crate::ast::*;
use crate::builder::{UNARY_PRIORITY, priority};
use crate::error::SyntaxError;
use crate::lexer::{Lexer, Malformed, Token};
use crate::number::Number;
use crate::resolve::MAX_DEPTH;
use crate::resolve::scope::{ScopeError, Scopes};

type Check<T = ()> = Result<T, Box<SyntaxError>>;

/// The first error of `source`; `None` if there is none.
pub(crate) fn diagnose(source: &[u8], chunk_name: &[u8]) -> Option<SyntaxError> {
    let mut diagnosis = Diagnosis::new(source, chunk_name);
    diagnosis.chunk().err().map(|error| *error)
}

/// Whether text that begins with `source` is wrong, whatever follows, and PUC Lua would say so
/// having read no more than `source`: it always has the byte after the last token, too.
pub fn is_wrong_already(source: &[u8]) -> bool {
    let mut diagnosis = Diagnosis::new(source, b"");
    diagnosis.chunk().is_err() && diagnosis.lexer.position() < source.len()
}

struct Diagnosis<'s> {
    lexer: Lexer<'s>,
    token: Token,
    /// The token after `token`, if it has been read already.
    lookahead: Option<Token>,
    scopes: Scopes,
    depth: usize,
    chunk_name: &'s [u8],
}

/// What matters about an expression.
#[derive(Clone, Copy)]
enum Kind {
    Name(Symbol, Binding),
    Indexed,
    Call,
    Literal(ConstantValue),
    Other,
}

impl<'s> Diagnosis<'s> {
    fn new(source: &'s [u8], chunk_name: &'s [u8]) -> Self {
        Self {
            lexer: Lexer::new(source),
            token: Token::EndOfFile,
            lookahead: None,
            scopes: Scopes::default(),
            depth: 0,
            chunk_name,
        }
    }

    // --- Errors ---

    fn line(&self) -> Line {
        self.lexer.line()
    }

    /// The error `what` near the current token.
    #[cold]
    fn error(&self, what: impl AsRef<[u8]>) -> Box<SyntaxError> {
        // PUC takes the token 0 for none.
        let near = match self.token {
            Token::Unknown(0) => None,
            token => Some(self.lexer.describe(token)),
        };
        self.error_near(what.as_ref(), near)
    }

    fn error_near(&self, what: &[u8], near: Option<Vec<u8>>) -> Box<SyntaxError> {
        let mut error = SyntaxError::new(self.chunk_name, self.line(), what, near);
        // With a token read ahead the lexer is past the current one.
        error.span = self.lookahead.is_none().then(|| self.lexer.span());
        Box::new(error)
    }

    #[cold]
    fn expected(&self, what: &str) -> Box<SyntaxError> {
        self.error(format!("{what} expected"))
    }

    #[cold]
    fn malformed(&mut self) -> Box<SyntaxError> {
        let error = self.lexer.explain();
        let near = match error.near {
            Some(text) => crate::lexer::quote(&text),
            None => b"<eof>".to_vec(),
        };
        self.error_near(error.message.as_bytes(), Some(near))
    }

    /// What the scopes object to, at the current token.
    #[cold]
    fn scope_error(&self, error: ScopeError) -> Box<SyntaxError> {
        let interner = self.lexer.interner();
        let text = |symbol| String::from_utf8_lossy(interner.resolve(symbol));
        let message = match error {
            ScopeError::Depth => return Box::new(SyntaxError::stack_overflow(self.line())),
            ScopeError::Limit {
                what,
                limit,
                function_line,
            } => {
                let place = match function_line {
                    0 => "main function".to_owned(),
                    line => format!("function at line {line}"),
                };
                return self.error(format!("too many {what} (limit is {limit}) in {place}"));
            }
            ScopeError::NotVararg => {
                return self.error("cannot use '...' outside a vararg function");
            }
            ScopeError::AssignToConst(name) => {
                format!("attempt to assign to const variable '{}'", text(name))
            }
            ScopeError::JumpIntoScope { label, line, local } => format!(
                "<goto {}> at line {line} jumps into the scope of local '{}'",
                text(label),
                text(local)
            ),
            ScopeError::NoLabel { label, line } => {
                format!(
                    "no visible label '{}' for <goto> at line {line}",
                    text(label)
                )
            }
            ScopeError::NoLoop { line } => format!("break outside loop at line {line}"),
            ScopeError::RepeatedLabel { label, line } => {
                format!("label '{}' already defined on line {line}", text(label))
            }
            ScopeError::MultipleClose => "multiple to-be-closed variables in local list".to_owned(),
        };
        self.error_near(message.as_bytes(), None)
    }

    // --- Tokens ---

    fn advance(&mut self) -> Check {
        if let Some(token) = self.lookahead.take() {
            self.token = token;
            return Ok(());
        }
        self.token = self.read()?;
        Ok(())
    }

    fn read(&mut self) -> Check<Token> {
        match self.lexer.next_token() {
            Ok(token) => Ok(token),
            Err(Malformed) => Err(self.malformed()),
        }
    }

    /// Skips `token` if it is the current one.
    fn skip(&mut self, token: Token) -> Check<bool> {
        let found = self.token == token;
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    /// Skips `token`, which must be the current one; `text` is how messages show it.
    fn expect(&mut self, token: Token, text: &str) -> Check {
        if self.skip(token)? {
            Ok(())
        } else {
            Err(self.expected(text))
        }
    }

    /// Skips `token`, which must match `opener` at `line`.
    fn expect_match(&mut self, token: Token, text: &str, opener: &str, line: Line) -> Check {
        if self.skip(token)? {
            return Ok(());
        }
        if line == self.line() {
            return Err(self.expected(text));
        }
        Err(self.error(format!(
            "{text} expected (to close {opener} at line {line})"
        )))
    }

    fn name(&mut self) -> Check<Symbol> {
        let Token::Name(name) = self.token else {
            return Err(self.expected("<name>"));
        };
        self.advance()?;
        Ok(name)
    }

    fn enter(&mut self) -> Check {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.scope_error(ScopeError::Depth));
        }
        Ok(())
    }

    fn scoped<T>(&self, result: Result<T, ScopeError>) -> Check<T> {
        result.map_err(|error| self.scope_error(error))
    }

    // --- Expressions ---

    fn expr(&mut self) -> Check<Kind> {
        self.subexpr(0)
    }

    /// An operand and what binds to it more strongly than `limit`.
    fn subexpr(&mut self, limit: u8) -> Check<Kind> {
        self.enter()?;
        let mut kind = match self.token {
            Token::Not | Token::Minus | Token::Tilde | Token::Hash => {
                self.advance()?;
                self.subexpr(UNARY_PRIORITY)?;
                Kind::Other
            }
            _ => self.simple_expr()?,
        };
        while let Some(op) = binary_op(self.token).filter(|&op| priority(op).0 > limit) {
            self.advance()?;
            self.subexpr(priority(op).1)?;
            kind = Kind::Other;
        }
        self.depth -= 1;
        Ok(kind)
    }

    fn simple_expr(&mut self) -> Check<Kind> {
        let literal = match self.token {
            Token::Number(n) => match self.lexer.number(n) {
                Number::Integer(integer) => ConstantValue::Integer(integer),
                Number::Float(float) => ConstantValue::Float(float),
            },
            Token::String(symbol) => ConstantValue::String(symbol),
            Token::Nil => ConstantValue::Nil,
            Token::True => ConstantValue::Boolean(true),
            Token::False => ConstantValue::Boolean(false),
            Token::Dots => {
                let allowed = self.scopes.vararg();
                self.scoped(allowed)?;
                self.advance()?;
                return Ok(Kind::Other);
            }
            Token::LeftBrace => {
                self.table()?;
                return Ok(Kind::Other);
            }
            Token::Function => {
                self.advance()?;
                self.body(false, self.line())?;
                return Ok(Kind::Other);
            }
            _ => return self.suffixed_expr(),
        };
        self.advance()?;
        Ok(Kind::Literal(literal))
    }

    fn primary_expr(&mut self) -> Check<Kind> {
        match self.token {
            Token::LeftParen => {
                let line = self.line();
                self.advance()?;
                self.expr()?;
                self.expect_match(Token::RightParen, "')'", "'('", line)?;
                Ok(Kind::Other)
            }
            Token::Name(_) => self.variable(),
            _ => Err(self.error("unexpected symbol")),
        }
    }

    fn variable(&mut self) -> Check<Kind> {
        let name = self.name()?;
        let binding = self.scopes.resolve(name);
        Ok(Kind::Name(name, self.scoped(binding)?))
    }

    fn suffixed_expr(&mut self) -> Check<Kind> {
        let mut kind = self.primary_expr()?;
        loop {
            kind = match self.token {
                Token::Dot => {
                    self.advance()?;
                    self.name()?;
                    Kind::Indexed
                }
                Token::LeftBracket => {
                    self.index()?;
                    Kind::Indexed
                }
                Token::Colon => {
                    self.advance()?;
                    self.name()?;
                    self.arguments()?;
                    Kind::Call
                }
                Token::LeftParen | Token::String(_) | Token::LeftBrace => {
                    self.arguments()?;
                    Kind::Call
                }
                _ => return Ok(kind),
            };
        }
    }

    fn index(&mut self) -> Check {
        self.advance()?;
        self.expr()?;
        self.expect(Token::RightBracket, "']'")
    }

    fn arguments(&mut self) -> Check {
        match self.token {
            Token::LeftParen => {
                let line = self.line();
                self.advance()?;
                if self.token != Token::RightParen {
                    self.exprs()?;
                }
                self.expect_match(Token::RightParen, "')'", "'('", line)
            }
            Token::LeftBrace => self.table(),
            Token::String(_) => self.advance(),
            _ => Err(self.error("function arguments expected")),
        }
    }

    /// A list of expressions: how many there are, and the last one.
    fn exprs(&mut self) -> Check<(usize, Kind)> {
        let mut last = self.expr()?;
        let mut count = 1;
        while self.skip(Token::Comma)? {
            last = self.expr()?;
            count += 1;
        }
        Ok((count, last))
    }

    fn table(&mut self) -> Check {
        let line = self.line();
        self.advance()?;
        while self.token != Token::RightBrace {
            self.field()?;
            if !self.skip(Token::Comma)? && !self.skip(Token::Semicolon)? {
                break;
            }
        }
        self.expect_match(Token::RightBrace, "'}'", "'{'", line)
    }

    fn field(&mut self) -> Check {
        match self.token {
            Token::Name(_) => {
                let next = self.read()?;
                self.lookahead = Some(next);
                if next != Token::Assign {
                    return self.expr().map(|_| ());
                }
                self.advance()?;
            }
            Token::LeftBracket => self.index()?,
            _ => return self.expr().map(|_| ()),
        }
        self.expect(Token::Assign, "'='")?;
        self.expr().map(|_| ())
    }
}

fn binary_op(token: Token) -> Option<BinaryOp> {
    Some(match token {
        Token::Plus => BinaryOp::Add,
        Token::Minus => BinaryOp::Sub,
        Token::Star => BinaryOp::Mul,
        Token::Slash => BinaryOp::Div,
        Token::DoubleSlash => BinaryOp::IDiv,
        Token::Percent => BinaryOp::Mod,
        Token::Caret => BinaryOp::Pow,
        Token::Ampersand => BinaryOp::BAnd,
        Token::Pipe => BinaryOp::BOr,
        Token::Tilde => BinaryOp::BXor,
        Token::ShiftLeft => BinaryOp::Shl,
        Token::ShiftRight => BinaryOp::Shr,
        Token::Concat => BinaryOp::Concat,
        Token::Equal => BinaryOp::Eq,
        Token::NotEqual => BinaryOp::Ne,
        Token::Less => BinaryOp::Lt,
        Token::LessEqual => BinaryOp::Le,
        Token::Greater => BinaryOp::Gt,
        Token::GreaterEqual => BinaryOp::Ge,
        Token::And => BinaryOp::And,
        Token::Or => BinaryOp::Or,
        _ => return None,
    })
}
