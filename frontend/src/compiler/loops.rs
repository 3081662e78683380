//! Loops.
//!
//! A numeric loop has registers A (index), A+1 (limit, then the count of iterations left), A+2
//! (step) and A+3 (the variable, a fresh copy for each iteration); a generic one A (iterator),
//! A+1 (state), A+2 (control), A+3 (closing value) and A+4... (the variables). Captured variables
//! move to a new cell at the start of each iteration.

use super::Result;
use super::function::{FunctionState, reg};
use super::jump::JumpList;
use super::operand::Operand;
use crate::ast::{Block, ConstantValue, ExprId, GenericFor, Line, List, LocalDecl, NumericFor};
use crate::bytecode::instruction::{FLAG_INVERSE, Instruction};
use crate::bytecode::opcode::Opcode;

/// Hidden registers of a numeric loop.
const NUMERIC_STATE: usize = 3;
/// Hidden registers of a generic loop.
const GENERIC_STATE: usize = 4;
/// Registers above its state that a generic loop needs for calling the iterator.
const ITERATOR_CALL: usize = 3;

impl FunctionState<'_, '_> {
    /// `while cond do body end`
    pub(super) fn while_statement(
        &mut self,
        cond: ExprId,
        body: Block,
        end_line: Line,
    ) -> Result<()> {
        let top = self.label();
        let cond = self.expression(cond)?;
        let exit = self.condition(cond, None)?;
        self.enter_loop();
        self.block(body)?;
        if self.reachable() {
            self.line = body.last_line;
            self.loop_to(top);
        }
        self.line = end_line;
        self.leave_block();
        self.patch_here(exit);
        Ok(())
    }

    /// `repeat body until cond`
    pub(super) fn repeat_statement(&mut self, body: Block, cond: ExprId) -> Result<()> {
        let top = self.label();
        self.enter_loop();
        self.enter_block(body.stats, false);
        let level = self.locals_top;
        self.statements(body.stats)?;
        self.line = body.last_line;
        let cond = self.expression(cond)?;
        if !matches!(
            cond.as_constant(),
            None | Some(ConstantValue::Nil | ConstantValue::Boolean(false))
        ) {
            // A block rather than a loop, of which nothing shows behind its body.
            self.leave_block();
            self.leave_block();
            return Ok(());
        }
        let exit = self.inverse_condition(cond, None)?;
        if !self.has_cells() && !self.must_close(level) {
            self.flag_last_jump(exit, FLAG_INVERSE);
        }
        if self.must_close(level) {
            // Both ways out of the body close its variables.
            self.emit(Opcode::Close, reg(level), 0, 0);
            self.loop_to(top);
            self.patch_here(exit);
            self.leave_block();
        } else {
            self.leave_block();
            if self.reachable() {
                self.loop_to(top);
            }
            self.patch_here(exit);
        }
        self.leave_block();
        Ok(())
    }

    /// `for var = start, limit, step do body end`
    pub(super) fn numeric_for(&mut self, node: &NumericFor, end_line: Line) -> Result<()> {
        self.enter_loop();
        let base = self.free;
        for expr in [node.start, node.limit].into_iter().chain(node.step) {
            let mut operand = self.expression(expr)?;
            self.put_in_next(&mut operand)?;
        }
        if node.step.is_none() {
            let mut one: Operand = self.constant_operand(ConstantValue::Integer(1));
            self.put_in_next(&mut one)?;
        }
        self.activate_loop_state(NUMERIC_STATE);
        let prepare = Instruction::wide(Opcode::ForPrep, reg(base), 0);
        let prepare = self.emit_at(prepare, node.do_line);
        let skip = self.new_jump(prepare);
        let top = self.label();
        self.line = node.do_line;
        self.loop_body(node.var, node.body)?;
        self.loop_back(Opcode::ForLoop, base, top, node.loop_line);
        self.patch_here(JumpList::one(skip));
        self.line = end_line;
        self.leave_block();
        Ok(())
    }

    /// `for names in values do body end`
    pub(super) fn generic_for(&mut self, node: &GenericFor, end_line: Line) -> Result<()> {
        self.enter_loop();
        let base = self.free;
        self.adjusted_list(&self.tree[node.values], GENERIC_STATE)?;
        self.activate_loop_state(GENERIC_STATE);
        self.to_be_closed.push(base + GENERIC_STATE - 1);
        self.check_stack(ITERATOR_CALL)?;
        let prepare = Instruction::wide(Opcode::GenericForPrep, reg(base), 0);
        let prepare = self.emit_at(prepare, node.do_line);
        let enter = self.new_jump(prepare);
        let top = self.label();
        self.line = node.do_line;
        self.loop_body(node.names, node.body)?;
        self.patch_here(JumpList::one(enter));
        let count = node.names.len() as u16;
        let call = Instruction::new(Opcode::GenericForCall, reg(base), count, 0);
        self.emit_at(call, node.loop_line);
        self.loop_back(Opcode::GenericForLoop, base, top, node.loop_line);
        self.line = end_line;
        self.leave_block();
        Ok(())
    }

    /// Emits the instruction that goes back to `top`.
    fn loop_back(&mut self, op: Opcode, base: usize, top: usize, line: Line) {
        let pc = self.emit_at(Instruction::wide(op, reg(base), 0), line);
        let jump = self.new_jump(pc);
        self.set_target(jump, top);
    }

    /// The declared variables and the body.
    fn loop_body(&mut self, names: List<LocalDecl>, body: Block) -> Result<()> {
        self.enter_scope();
        self.reserve(names.len())?;
        self.declare(&self.tree[names]);
        self.block(body)?;
        self.leave_inner_block();
        Ok(())
    }
}
