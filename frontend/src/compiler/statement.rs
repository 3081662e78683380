//! Statements other than loops and assignments, and function bodies.

use super::Result;
use super::function::{FunctionState, reg};
use super::jump::JumpList;
use super::operand::{Kind, Operand};
use crate::ast::{Block, Expr, Function, IfArm, Line, LocalDecl, Stat, StatKind};
use crate::bytecode::instruction::Instruction;
use crate::bytecode::opcode::Opcode;

impl<'s> FunctionState<'s, '_> {
    /// Compiles the body of the function.
    pub(super) fn function_body(&mut self, function: &'s Function) -> Result<()> {
        if function.is_vararg {
            self.emit(Opcode::VarArgPrep, 0, 0, 0);
        }
        self.enter_scope();
        self.reserve(function.params.len())?;
        let entry = self.pc();
        self.declare_parameters(&function.params);
        let body = self.pc();
        self.enter_block(&function.body.stats, true);
        self.statements(&function.body.stats)?;
        self.line = match function.end_line {
            0 => function.body.last_line,
            line => line,
        };
        if self.to_be_closed.is_empty() {
            self.emit(Opcode::Return0, 0, 0, 0);
        } else {
            self.emit(Opcode::ReturnClose, reg(self.locals_top), 1, 0);
        }
        // Moving parameters to their cells is no line of its own.
        let first_line = self.lines[body];
        self.lines[entry..body].fill(first_line);
        self.leave_block();
        self.leave_block();
        Ok(())
    }

    /// Parameters are in scope from the first instruction, even before captured ones are in
    /// their cells.
    fn declare_parameters(&mut self, params: &[LocalDecl]) {
        let first_debug = self.locals.len();
        self.declare(params);
        for local in &mut self.locals[first_debug..] {
            local.start_pc = 0;
        }
    }

    /// Compiles statements in order.
    pub(super) fn statements(&mut self, stats: &'s [Stat]) -> Result<()> {
        for stat in stats {
            self.line = stat.line;
            self.statement(stat)?;
            self.free = self.locals_top;
        }
        Ok(())
    }

    fn statement(&mut self, stat: &'s Stat) -> Result<()> {
        match &stat.kind {
            StatKind::Local { names, values } => self.local_statement(names, values, stat.end_line),
            StatKind::Assign { targets, values } => self.assignment(targets, values, stat.end_line),
            StatKind::Call(call) => {
                let operand = self.expression(call)?;
                self.set_results(&operand, Some(0))
            }
            StatKind::Do(body) => {
                self.block(body)?;
                self.line = stat.end_line;
                Ok(())
            }
            StatKind::While { cond, body } => self.while_statement(cond, body, stat.end_line),
            StatKind::Repeat { body, cond } => self.repeat_statement(body, cond),
            StatKind::If { arms, otherwise } => {
                self.if_statement(arms, otherwise.as_ref())?;
                self.line = stat.end_line;
                Ok(())
            }
            StatKind::NumericFor(node) => self.numeric_for(node, stat.end_line),
            StatKind::GenericFor(node) => self.generic_for(node, stat.end_line),
            StatKind::Function { target, function } => {
                let target = self.expression(target)?.kind;
                let mut closure = self.closure(function)?;
                // A function of several lines is made in its last line and stored in its first.
                if !matches!(target, Kind::Register(_)) || function.end_line != stat.line {
                    self.put_in_next(&mut closure)?;
                }
                self.store(target, closure, stat.line)?;
                // The definition "happens" in its first line.
                self.fix_line(stat.line);
                Ok(())
            }
            StatKind::LocalFunction { name, function } => self.local_function(name, function),
            StatKind::Return(values) => self.return_statement(values, stat.end_line),
            StatKind::Break => {
                self.break_statement();
                Ok(())
            }
            StatKind::Goto(name) => {
                self.goto_statement(*name);
                Ok(())
            }
            StatKind::Label(name) => {
                self.label_statement(*name);
                Ok(())
            }
        }
    }

    fn local_statement(
        &mut self,
        names: &'s [LocalDecl],
        values: &'s [Expr],
        line: Line,
    ) -> Result<()> {
        let (names, values) = match names.split_last() {
            // A compile-time constant, always the last of its list, has no register.
            Some((last, others)) if self.local_info(last.id.get()).constant.is_some() => {
                (others, &values[..others.len().min(values.len())])
            }
            _ => (names, values),
        };
        if values.is_empty() {
            self.line = line;
        }
        self.adjusted_list(values, names.len())?;
        self.line = line;
        self.declare(names);
        Ok(())
    }

    fn local_function(&mut self, name: &'s LocalDecl, function: &'s Function) -> Result<()> {
        let register = self.reserve(1)?;
        let captured = self.local_info(name.id.get()).captured;
        self.line = function.end_line;
        if captured {
            // The cell comes first, so that the function can capture itself.
            self.emit_nil(register, 1, self.line);
        }
        self.declare(std::slice::from_ref(name));
        let mut closure = self.closure(function)?;
        if captured {
            self.store(Kind::Cell(register), closure, function.end_line)?;
        } else {
            self.put_in(&mut closure, register)?;
        }
        self.restart_last_local();
        Ok(())
    }

    fn if_statement(&mut self, arms: &'s [IfArm], otherwise: Option<&'s Block>) -> Result<()> {
        let mut escapes = JumpList::EMPTY;
        for (index, arm) in arms.iter().enumerate() {
            if self.conditional_exit(arm)? {
                continue;
            }
            let skip = self.condition(&arm.cond, Some(arm.then_line))?;
            self.block(&arm.body)?;
            if (index + 1 < arms.len() || otherwise.is_some()) && self.reachable() {
                let jump = self.jump();
                escapes = self.join(escapes, jump);
            }
            self.patch_here(skip);
        }
        if let Some(block) = otherwise {
            self.block(block)?;
        }
        self.patch_here(escapes);
        Ok(())
    }

    /// `if cond then break end`, and `goto` on the same line, become one conditional jump (a
    /// `goto` on a line of its own is a line event). Returns whether that was done.
    fn conditional_exit(&mut self, arm: &'s IfArm) -> Result<bool> {
        let [stat] = arm.body.stats.as_slice() else {
            return Ok(false);
        };
        if !matches!(stat.kind, StatKind::Break) && stat.line != arm.then_line {
            return Ok(false);
        }
        let Some(exit) = self.direct_exit(stat) else {
            return Ok(false);
        };
        let jumps = self.inverse_condition(&arm.cond, Some(arm.then_line))?;
        self.leave_through(exit, jumps);
        Ok(true)
    }

    fn return_statement(&mut self, values: &'s [Expr], line: Line) -> Result<()> {
        let closes = !self.to_be_closed.is_empty();
        let first = self.locals_top;
        if let [value] = values {
            let mut operand = self.expression(value)?;
            if let Kind::Call(pc) = operand.kind {
                return self.return_call(&operand, pc, closes, line);
            }
            if !operand.is_multiple() {
                let register = self.put_in_any(&mut operand)?;
                let instruction = if closes {
                    Instruction::new(Opcode::ReturnClose, reg(register), 2, 0)
                } else {
                    Instruction::new(Opcode::Return1, reg(register), 0, 0)
                };
                self.emit_at(instruction, line);
                self.line = line;
                return Ok(());
            }
            self.set_results(&operand, None)?;
            return self.return_range(first, 0, closes, line);
        }
        let open = self.expression_list(values)?;
        let count = if open { 0 } else { self.free - first + 1 };
        self.return_range(first, count as u16, closes, line)
    }

    /// `return f(args)`: a tail call unless variables are to be closed.
    fn return_call(
        &mut self,
        operand: &Operand,
        pc: usize,
        closes: bool,
        line: Line,
    ) -> Result<()> {
        if closes {
            self.set_results(operand, None)?;
            return self.return_range(self.locals_top, 0, closes, line);
        }
        self.set_op(pc, Opcode::TailCall);
        self.set_c(pc, 0);
        self.line = line;
        Ok(())
    }

    fn return_range(&mut self, first: usize, count: u16, closes: bool, line: Line) -> Result<()> {
        let instruction = match (closes, count) {
            (true, _) => Instruction::new(Opcode::ReturnClose, reg(first), count, 0),
            (false, 1) => Instruction::new(Opcode::Return0, 0, 0, 0),
            (false, _) => Instruction::new(Opcode::Return, reg(first), count, 0),
        };
        self.emit_at(instruction, line);
        self.line = line;
        Ok(())
    }
}
