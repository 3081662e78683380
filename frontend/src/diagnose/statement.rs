//! Statements and blocks of the diagnosis.

use super::{Check, Diagnosis, Kind};
use crate::ast::*;
use crate::lexer::Token;
use crate::resolve::scope::ScopeError;

impl Diagnosis<'_> {
    pub(super) fn chunk(&mut self) -> Check {
        self.scopes.open_function(0);
        self.advance()?;
        self.statements()?;
        if self.token != Token::EndOfFile {
            return Err(self.expected("<eof>"));
        }
        self.close_function()
    }

    fn close_function(&mut self) -> Check {
        let result = self.scopes.close_function();
        self.scoped(result)?;
        Ok(())
    }

    /// Whether the current token ends a block.
    fn at_block_end(&self, with_until: bool) -> bool {
        match self.token {
            Token::Else | Token::ElseIf | Token::End | Token::EndOfFile => true,
            Token::Until => with_until,
            _ => false,
        }
    }

    fn statements(&mut self) -> Check {
        while !self.at_block_end(true) {
            let is_return = self.token == Token::Return;
            self.statement()?;
            if is_return {
                break;
            }
        }
        Ok(())
    }

    fn block(&mut self) -> Check {
        self.scopes.enter_block(false);
        self.statements()?;
        self.leave_block()
    }

    fn leave_block(&mut self) -> Check {
        let result = self.scopes.leave_block();
        self.scoped(result)
    }

    fn statement(&mut self) -> Check {
        let line = self.line();
        self.enter()?;
        match self.token {
            Token::Semicolon => self.advance()?,
            Token::If => self.if_statement(line)?,
            Token::While => self.while_statement(line)?,
            Token::Do => {
                self.advance()?;
                self.block()?;
                self.expect_match(Token::End, "'end'", "'do'", line)?;
            }
            Token::For => self.for_statement(line)?,
            Token::Repeat => self.repeat_statement(line)?,
            Token::Function => self.function_statement(line)?,
            Token::Local => {
                self.advance()?;
                if self.skip(Token::Function)? {
                    self.local_function()?;
                } else {
                    self.local_statement()?;
                }
            }
            Token::DoubleColon => self.label(line)?,
            Token::Return => self.return_statement()?,
            Token::Break => {
                self.advance()?;
                self.scopes.break_loop(line);
            }
            Token::Goto => {
                self.advance()?;
                let line = self.line();
                let label = self.name()?;
                self.scopes.goto(label, line);
            }
            _ => self.expression_statement()?,
        }
        self.depth -= 1;
        Ok(())
    }

    fn if_statement(&mut self, line: Line) -> Check {
        loop {
            self.advance()?;
            self.expr()?;
            self.expect(Token::Then, "'then'")?;
            self.block()?;
            if self.token != Token::ElseIf {
                break;
            }
        }
        if self.skip(Token::Else)? {
            self.block()?;
        }
        self.expect_match(Token::End, "'end'", "'if'", line)
    }

    fn while_statement(&mut self, line: Line) -> Check {
        self.advance()?;
        self.expr()?;
        self.scopes.enter_block(true);
        self.expect(Token::Do, "'do'")?;
        self.block()?;
        self.expect_match(Token::End, "'end'", "'while'", line)?;
        self.leave_block()
    }

    fn repeat_statement(&mut self, line: Line) -> Check {
        self.scopes.enter_block(true);
        self.scopes.enter_block(false);
        self.advance()?;
        self.statements()?;
        self.expect_match(Token::Until, "'until'", "'repeat'", line)?;
        self.expr()?;
        self.leave_block()?;
        self.leave_block()
    }

    fn for_statement(&mut self, line: Line) -> Check {
        self.scopes.enter_block(true);
        self.advance()?;
        let name = self.name()?;
        let variables = match self.token {
            Token::Assign => self.numeric_for(name)?,
            Token::Comma | Token::In => self.generic_for(name)?,
            _ => return Err(self.error("'=' or 'in' expected")),
        };
        self.expect(Token::Do, "'do'")?;
        self.scopes.enter_block(false);
        self.scopes.activate(variables);
        self.block()?;
        self.leave_block()?;
        self.expect_match(Token::End, "'end'", "'for'", line)?;
        self.leave_block()
    }

    fn numeric_for(&mut self, name: Symbol) -> Check<usize> {
        self.declare_hidden(3)?;
        self.declare(name, Attrib::None)?;
        self.expect(Token::Assign, "'='")?;
        self.expr()?;
        self.expect(Token::Comma, "','")?;
        self.expr()?;
        if self.skip(Token::Comma)? {
            self.expr()?;
        }
        self.scopes.activate(3);
        Ok(1)
    }

    fn generic_for(&mut self, name: Symbol) -> Check<usize> {
        self.declare_hidden(4)?;
        self.declare(name, Attrib::None)?;
        let mut variables = 1;
        while self.skip(Token::Comma)? {
            let name = self.name()?;
            self.declare(name, Attrib::None)?;
            variables += 1;
        }
        self.expect(Token::In, "'in'")?;
        self.exprs()?;
        self.scopes.activate(4);
        Ok(variables)
    }

    fn declare(&mut self, name: Symbol, attrib: Attrib) -> Check {
        let result = self.scopes.declare(name, attrib);
        self.scoped(result)?;
        Ok(())
    }

    fn declare_hidden(&mut self, count: usize) -> Check {
        let result = self.scopes.declare_hidden(count);
        self.scoped(result)
    }

    fn function_statement(&mut self, line: Line) -> Check {
        self.advance()?;
        let mut target = self.variable()?;
        while self.token == Token::Dot {
            self.advance()?;
            self.name()?;
            target = Kind::Indexed;
        }
        let is_method = self.skip(Token::Colon)?;
        if is_method {
            self.name()?;
            target = Kind::Indexed;
        }
        self.body(is_method, line)?;
        self.check_assignable(target)
    }

    fn local_function(&mut self) -> Check {
        let name = self.name()?;
        self.declare(name, Attrib::None)?;
        self.scopes.activate(1);
        self.body(false, self.line())
    }

    /// Parameters and body of a function.
    pub(super) fn body(&mut self, is_method: bool, line: Line) -> Check {
        self.scopes.open_function(line);
        self.expect(Token::LeftParen, "'('")?;
        if is_method {
            self.declare(predefined::SELF, Attrib::None)?;
            self.scopes.activate(1);
        }
        self.parameters()?;
        self.expect(Token::RightParen, "')'")?;
        self.statements()?;
        self.expect_match(Token::End, "'end'", "'function'", line)?;
        self.close_function()
    }

    fn parameters(&mut self) -> Check {
        let mut count = 0;
        let mut is_vararg = false;
        if self.token != Token::RightParen {
            loop {
                match self.token {
                    Token::Name(name) => {
                        self.advance()?;
                        self.declare(name, Attrib::None)?;
                        count += 1;
                    }
                    Token::Dots => {
                        self.advance()?;
                        is_vararg = true;
                    }
                    _ => return Err(self.expected("<name> or '...'")),
                }
                if is_vararg || !self.skip(Token::Comma)? {
                    break;
                }
            }
        }
        self.scopes.activate(count);
        self.scopes.set_vararg(is_vararg);
        Ok(())
    }

    fn local_statement(&mut self) -> Check {
        let mut count = 0;
        let mut has_close = false;
        let mut attrib;
        loop {
            let name = self.name()?;
            self.declare(name, Attrib::None)?;
            attrib = self.attrib()?;
            self.scopes.set_attrib(attrib);
            if attrib == Attrib::Close {
                if has_close {
                    return Err(self.scope_error(ScopeError::MultipleClose));
                }
                has_close = true;
            }
            count += 1;
            if !self.skip(Token::Comma)? {
                break;
            }
        }
        if self.skip(Token::Assign)? {
            let (values, last) = self.exprs()?;
            if let Kind::Literal(constant) = last
                && values == count
                && attrib == Attrib::Const
            {
                self.scopes.set_constant(constant);
            }
        }
        self.scopes.activate(count);
        Ok(())
    }

    fn attrib(&mut self) -> Check<Attrib> {
        if !self.skip(Token::Less)? {
            return Ok(Attrib::None);
        }
        let name = self.name()?;
        self.expect(Token::Greater, "'>'")?;
        match name {
            predefined::CONST => Ok(Attrib::Const),
            predefined::CLOSE => Ok(Attrib::Close),
            _ => {
                let interner = self.lexer.interner();
                let text = interner.resolve(name);
                let message = [b"unknown attribute '", text, b"'"].concat();
                Err(self.error_near(&message, None))
            }
        }
    }

    fn label(&mut self, line: Line) -> Check {
        self.advance()?;
        let name = self.name()?;
        self.expect(Token::DoubleColon, "'::'")?;
        while matches!(self.token, Token::Semicolon | Token::DoubleColon) {
            self.statement()?;
        }
        let last = self.at_block_end(false);
        let result = self.scopes.label(name, line, last);
        self.scoped(result)
    }

    fn return_statement(&mut self) -> Check {
        self.advance()?;
        if !self.at_block_end(true) && self.token != Token::Semicolon {
            self.exprs()?;
        }
        self.skip(Token::Semicolon)?;
        Ok(())
    }

    fn expression_statement(&mut self) -> Check {
        let mut target = self.suffixed_expr()?;
        if !matches!(self.token, Token::Assign | Token::Comma) {
            return match target {
                Kind::Call => Ok(()),
                _ => Err(self.error("syntax error")),
            };
        }
        let depth = self.depth;
        loop {
            if !matches!(target, Kind::Name(..) | Kind::Indexed) {
                return Err(self.error("syntax error"));
            }
            self.check_assignable(target)?;
            if !self.skip(Token::Comma)? {
                break;
            }
            target = self.suffixed_expr()?;
            self.enter()?;
        }
        self.expect(Token::Assign, "'='")?;
        self.exprs()?;
        self.depth = depth;
        Ok(())
    }

    fn check_assignable(&mut self, target: Kind) -> Check {
        if let Kind::Name(name, binding) = target {
            let result = self.scopes.assign(name, binding);
            self.scoped(result)?;
        }
        Ok(())
    }
}
