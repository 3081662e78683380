//! Conditions: comparisons, `and`, `or`, `not`, and the jumps they become.
//!
//! A comparison becomes an instruction that jumps when it holds. Where the opposite is wanted its
//! opcode is replaced by the negated one; `<` is never turned into `>=`, which NaN would notice.

use super::Result;
use super::function::{FunctionState, NO_REGISTER, reg};
use super::jump::JumpList;
use super::operand::{Exits, Kind, Operand};
use crate::ast::{BinaryOp, ConstantValue, ExprId, Line};
use crate::bytecode::instruction::{FLAG_FLOAT, Instruction, JUMP_TEST};
use crate::bytecode::opcode::Opcode;

impl FunctionState<'_, '_> {
    /// Completes a condition: falls through when it is true, returns the jumps taken when it is
    /// false.
    ///
    /// A test of a value belongs to `line`, by default to the last one.
    pub(super) fn condition(
        &mut self,
        mut operand: Operand,
        line: Option<Line>,
    ) -> Result<JumpList> {
        self.line = line.unwrap_or(self.line);
        self.normalize_condition(&mut operand);
        self.go_if_true(&mut operand)?;
        Ok(self.exits(&operand).on_false)
    }

    /// Completes a condition: falls through when it is false, returns the jumps taken when it is
    /// true.
    pub(super) fn inverse_condition(
        &mut self,
        mut operand: Operand,
        line: Option<Line>,
    ) -> Result<JumpList> {
        self.line = line.unwrap_or(self.line);
        self.normalize_condition(&mut operand);
        self.go_if_false(&mut operand)?;
        Ok(self.exits(&operand).on_true)
    }

    /// Where only the truth matters, all false values are equal.
    fn normalize_condition(&mut self, operand: &mut Operand) {
        if operand.kind() == Kind::Constant(ConstantValue::Nil) {
            operand.set_kind(Kind::Constant(ConstantValue::Boolean(false)));
        }
    }

    /// Lets control go on only if the operand is true.
    pub(super) fn go_if_true(&mut self, operand: &mut Operand) -> Result<()> {
        self.discharge_variables(operand)?;
        let jumps = match operand.kind() {
            Kind::Jump(jump) => {
                self.negate_jump(jump);
                JumpList::one(jump)
            }
            Kind::Constant(ConstantValue::Boolean(false)) => {
                self.flagged_jump(JUMP_TEST, self.line)
            }
            Kind::Constant(value) if value != ConstantValue::Nil => JumpList::EMPTY,
            _ => JumpList::one(self.jump_when(operand, false)?),
        };
        let exits = self.exits(operand);
        let on_false = self.join(exits.on_false, jumps);
        self.patch_here(exits.on_true);
        let on_true = JumpList::EMPTY;
        self.set_exits(operand, Exits { on_true, on_false })
    }

    /// Lets control go on only if the operand is false.
    pub(super) fn go_if_false(&mut self, operand: &mut Operand) -> Result<()> {
        self.discharge_variables(operand)?;
        let jumps = match operand.kind() {
            Kind::Jump(jump) => JumpList::one(jump),
            Kind::Constant(ConstantValue::Nil | ConstantValue::Boolean(false)) => JumpList::EMPTY,
            Kind::Constant(ConstantValue::Boolean(true)) => self.flagged_jump(JUMP_TEST, self.line),
            _ => JumpList::one(self.jump_when(operand, true)?),
        };
        let exits = self.exits(operand);
        let on_true = self.join(exits.on_true, jumps);
        self.patch_here(exits.on_false);
        let on_false = JumpList::EMPTY;
        self.set_exits(operand, Exits { on_true, on_false })
    }

    /// Emits a jump taken when the operand's truth is `when`.
    fn jump_when(&mut self, operand: &mut Operand, when: bool) -> Result<u32> {
        if let Kind::Relocatable(pc) = operand.kind() {
            let instruction = self.instruction(pc);
            if instruction.opcode() == Some(Opcode::Not) && pc == self.last {
                // Test the operand of `not` instead; its value is never wanted.
                self.remove_last();
                let op = if when {
                    Opcode::JumpIfNot
                } else {
                    Opcode::JumpIf
                };
                let pc = self.emit(op, instruction.b(), 0, 0);
                return Ok(self.new_jump(pc));
            }
        }
        self.discharge_in_any(operand)?;
        self.free_operand(operand);
        let register = match operand.kind() {
            Kind::Register(register) => register,
            _ => 0,
        };
        Ok(self.test_jump(register, when))
    }

    /// `not operand`.
    pub(super) fn negation(&mut self, operand: &mut Operand) -> Result<()> {
        self.discharge_variables(operand)?;
        match operand.kind() {
            Kind::Constant(value) => {
                let truth = !matches!(value, ConstantValue::Nil | ConstantValue::Boolean(false));
                operand.set_kind(Kind::Constant(ConstantValue::Boolean(!truth)));
            }
            Kind::Jump(jump) => self.negate_jump(jump),
            _ => {
                self.discharge_in_any(operand)?;
                self.free_operand(operand);
                if let Kind::Register(register) = operand.kind() {
                    let pc = self.emit(Opcode::Not, NO_REGISTER, reg(register), 0);
                    operand.set_kind(Kind::Relocatable(pc));
                }
            }
        }
        let exits = Exits {
            on_true: self.exits(operand).on_false,
            on_false: self.exits(operand).on_true,
        };
        self.remove_values(exits.on_true);
        self.remove_values(exits.on_false);
        self.set_exits(operand, exits)
    }

    /// `left and right`.
    pub(super) fn conjunction(&mut self, mut left: Operand, right: ExprId) -> Result<Operand> {
        self.go_if_true(&mut left)?;
        let mut right = self.expression(right)?;
        self.discharge_variables(&mut right)?;
        let mut exits = self.exits(&right);
        exits.on_false = self.join(self.exits(&left).on_false, exits.on_false);
        self.set_exits(&mut right, exits)?;
        Ok(right)
    }

    /// `left or right`.
    pub(super) fn disjunction(&mut self, mut left: Operand, right: ExprId) -> Result<Operand> {
        self.go_if_false(&mut left)?;
        let mut right = self.expression(right)?;
        self.discharge_variables(&mut right)?;
        let mut exits = self.exits(&right);
        exits.on_true = self.join(self.exits(&left).on_true, exits.on_true);
        self.set_exits(&mut right, exits)?;
        Ok(right)
    }

    /// A comparison; `left` is evaluated already.
    pub(super) fn comparison(
        &mut self,
        op: BinaryOp,
        left: Operand,
        right: Operand,
    ) -> Result<Operand> {
        match op {
            BinaryOp::Eq => self.equality(left, right, true),
            BinaryOp::Ne => self.equality(left, right, false),
            // `a > b` is `b < a`; the operands are evaluated in source order all the same.
            BinaryOp::Gt => self.order(right, left, Opcode::JumpLt, true),
            BinaryOp::Ge => self.order(right, left, Opcode::JumpLe, true),
            BinaryOp::Le => self.order(left, right, Opcode::JumpLe, false),
            _ => self.order(left, right, Opcode::JumpLt, false),
        }
    }

    fn equality(&mut self, left: Operand, right: Operand, equal: bool) -> Result<Operand> {
        let (mut left, mut right) = if left.as_constant().is_some() {
            (right, left)
        } else {
            (left, right)
        };
        let (a, b, op) = if let Some((small, _)) = right.as_small_number() {
            let a = self.put_in_any(&mut left)?;
            (a, small as u16, Opcode::JumpEqInt)
        } else {
            let constant = match right.as_constant() {
                Some(value) => self.short_constant(value),
                None => None,
            };
            if let Some(constant) = constant {
                let a = self.put_in_any(&mut left)?;
                (a, constant, Opcode::JumpEqConst)
            } else {
                let (a, b) = self.both_registers(&mut left, &mut right)?;
                (a, reg(b), Opcode::JumpEq)
            }
        };
        self.free_operands(&left, &right);
        let jump = self.compare_jump(op, a, b, 0);
        if !equal {
            self.negate_jump(jump);
        }
        Ok(self.operand(Kind::Jump(jump)))
    }

    /// `left < right` or `left <= right`; `swapped` says that `right` was evaluated first.
    fn order(
        &mut self,
        mut left: Operand,
        mut right: Operand,
        op: Opcode,
        swapped: bool,
    ) -> Result<Operand> {
        let less = op == Opcode::JumpLt;
        let mut flags = 0;
        let (a, b, op) = if let Some((small, is_float)) = right.as_small_number() {
            let op = if less {
                Opcode::JumpLtInt
            } else {
                Opcode::JumpLeInt
            };
            flags = if is_float { FLAG_FLOAT } else { 0 };
            (self.put_in_any(&mut left)?, small as u16, op)
        } else if let Some((small, is_float)) = left.as_small_number() {
            let op = if less {
                Opcode::JumpGtInt
            } else {
                Opcode::JumpGeInt
            };
            flags = if is_float { FLAG_FLOAT } else { 0 };
            (self.put_in_any(&mut right)?, small as u16, op)
        } else if swapped {
            let (b, a) = self.both_registers(&mut right, &mut left)?;
            (a, reg(b), op)
        } else {
            let (a, b) = self.both_registers(&mut left, &mut right)?;
            (a, reg(b), op)
        };
        self.free_operands(&left, &right);
        let jump = self.compare_jump(op, a, b, flags);
        Ok(self.operand(Kind::Jump(jump)))
    }

    fn compare_jump(&mut self, op: Opcode, a: usize, b: u16, flags: u8) -> u32 {
        let compare = Instruction::new(op, reg(a), b, 0).with_flags(flags);
        let pc = self.emit_at(compare, self.line);
        self.new_jump(pc)
    }

    /// Puts two operands into registers; `first` was evaluated first.
    pub(super) fn both_registers(
        &mut self,
        first: &mut Operand,
        second: &mut Operand,
    ) -> Result<(usize, usize)> {
        // What is relocatable must be discharged before anything else is emitted; and a variable
        // in a cell is read as late as one in a register would be.
        if matches!(second.kind(), Kind::Cell(_)) && !second.has_jumps() {
            let one = self.put_in_any(first)?;
            let other = self.put_in_any(second)?;
            Ok((one, other))
        } else {
            let other = self.put_in_any(second)?;
            let one = self.put_in_any(first)?;
            Ok((one, other))
        }
    }
}
