//! Statements other than loops and assignments, and function bodies.

use super::Result;
use super::function::{FunctionState, reg};
use super::jump::JumpList;
use super::operand::{Kind, Operand};
use crate::ast::{Block, Expr, Exprs, Function, Id, IfArm, Line, List, LocalDecl, Stat, StatKind};
use crate::bytecode::instruction::{FLAG_PASSES_GOTO, Instruction};
use crate::bytecode::opcode::Opcode;

/// About how many words of code an expression becomes.
const WORDS_PER_EXPR: usize = 2;

impl FunctionState<'_, '_> {
    /// Compiles the body of the function.
    pub(super) fn function_body(&mut self, function: &Function) -> Result<()> {
        if function.line == 0 {
            // The main function may be huge, and moving its code is slow.
            self.reserve_code(WORDS_PER_EXPR * self.tree.count::<Expr>());
        }
        if function.is_vararg {
            self.emit(Opcode::VarArgPrep, 0, 0, 0);
        }
        self.enter_scope();
        self.reserve(function.params.len())?;
        let entry = self.pc();
        self.declare_parameters(&self.tree[function.params]);
        let body = self.pc();
        self.enter_block(function.body.stats, true);
        self.statements(function.body.stats)?;
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
        self.lines.join(entry as u32, body as u32);
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
    pub(super) fn statements(&mut self, stats: List<Stat>) -> Result<()> {
        for stat in &self.tree[stats] {
            self.line = stat.line;
            self.statement(stat)?;
            self.free = self.locals_top;
            self.exits.clear();
        }
        Ok(())
    }

    fn statement(&mut self, stat: &Stat) -> Result<()> {
        match stat.kind {
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
                self.if_statement(arms, otherwise)?;
                self.line = stat.end_line;
                Ok(())
            }
            StatKind::NumericFor(node) => self.numeric_for(&self.tree[node], stat.end_line),
            StatKind::GenericFor(node) => self.generic_for(&self.tree[node], stat.end_line),
            StatKind::Function { target, function } => {
                let target = self.expression(target)?.kind();
                let mut closure = self.closure(function)?;
                // A function of several lines is made in its last line and stored in its first.
                if !matches!(target, Kind::Register(_)) || self.tree[function].end_line != stat.line
                {
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
                self.goto_statement(name);
                Ok(())
            }
            StatKind::Label(name) => {
                self.label_statement(name);
                Ok(())
            }
        }
    }

    fn local_statement(&mut self, names: List<LocalDecl>, values: Exprs, line: Line) -> Result<()> {
        let (names, values) = (&self.tree[names], &self.tree[values]);
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

    fn local_function(&mut self, names: List<LocalDecl>, function: Id<Function>) -> Result<()> {
        let register = self.reserve(1)?;
        let names = &self.tree[names];
        let captured = names
            .iter()
            .any(|name| self.local_info(name.id.get()).captured);
        let end_line = self.tree[function].end_line;
        self.line = end_line;
        if captured {
            // The cell comes first, so that the function can capture itself.
            self.emit_nil(register, 1, self.line);
        }
        self.declare(names);
        let mut closure = self.closure(function)?;
        if captured {
            self.store(Kind::Cell(register), closure, end_line)?;
        } else {
            self.put_in(&mut closure, register)?;
        }
        self.restart_last_local();
        Ok(())
    }

    fn if_statement(&mut self, arms: List<IfArm>, otherwise: Option<Block>) -> Result<()> {
        let arms = &self.tree[arms];
        let mut escapes = JumpList::EMPTY;
        for (index, arm) in arms.iter().enumerate() {
            let cond = self.expression(arm.cond)?;
            if self.conditional_exit(arm, &cond)? {
                continue;
            }
            let skip = self.condition(cond, Some(arm.then_line))?;
            self.block(arm.body)?;
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
    ///
    /// PUC Lua does it for `break` only. At a `goto` it jumps in both cases, which hooks notice.
    fn conditional_exit(&mut self, arm: &IfArm, cond: &Operand) -> Result<bool> {
        let [stat] = &self.tree[arm.body.stats] else {
            return Ok(false);
        };
        let is_goto = !matches!(stat.kind, StatKind::Break);
        if is_goto {
            let line = match cond.kind() {
                Kind::Jump(_) => self.lines.runs.last().map_or(0, |&(_, line)| line),
                Kind::Constant(_) => 0,
                _ => arm.then_line,
            };
            if stat.line != arm.then_line || stat.line != line {
                return Ok(false);
            }
        }
        let Some(exit) = self.direct_exit(stat) else {
            return Ok(false);
        };
        let jumps = self.inverse_condition(*cond, Some(arm.then_line))?;
        if is_goto {
            self.flag_last_jump(jumps, FLAG_PASSES_GOTO);
        }
        self.leave_through(exit, jumps);
        Ok(true)
    }

    fn return_statement(&mut self, values: Exprs, line: Line) -> Result<()> {
        let closes = !self.to_be_closed.is_empty();
        let first = self.locals_top;
        if let &[value] = &self.tree[values] {
            let mut operand = self.expression(value)?;
            if let Kind::Call(pc) = operand.kind() {
                return self.return_call(&operand, pc, closes, line);
            }
            if !operand.is_multiple() {
                let instruction = if closes {
                    // A copy above all variables: what closes them uses the registers behind the
                    // results, and the variables are read until the last one is closed.
                    let register = self.put_in_next(&mut operand)?;
                    Instruction::new(Opcode::ReturnClose, reg(register), 2, 0)
                } else {
                    let register = self.put_in_any(&mut operand)?;
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
