//! Calls, methods, and lists of expressions that end in a call or `...`.

use super::Result;
use super::function::{FunctionState, reg};
use super::operand::{Kind, Operand};
use crate::ast::{ConstantValue, ExprId, Exprs, Line, MethodCall};
use crate::bytecode::instruction::Instruction;
use crate::bytecode::opcode::Opcode;

impl FunctionState<'_, '_> {
    /// `callee(args)`
    pub(super) fn call(&mut self, mut callee: Operand, args: Exprs, line: Line) -> Result<Operand> {
        let base = self.put_in_next(&mut callee)?;
        self.arguments(base, args, line)
    }

    /// `object:name(args)`
    pub(super) fn method_call(
        &mut self,
        mut object: Operand,
        call: &MethodCall,
        line: Line,
    ) -> Result<Operand> {
        let register = self.put_in_any(&mut object)?;
        self.free_operand(&object);
        let base = self.reserve(2)?;
        if let Some(key) = self.field_key(call.method) {
            let lookup = Instruction::new(Opcode::Method, reg(base), reg(register), key);
            self.emit_at(lookup, call.method_line);
        } else {
            let copy = Instruction::new(Opcode::Move, reg(base + 1), reg(register), 0);
            self.emit_at(copy, call.method_line);
            let name = ConstantValue::String(call.method);
            self.load_constant(base, name, call.method_line)?;
            let lookup = Instruction::new(Opcode::GetIndex, reg(base), reg(base + 1), reg(base));
            self.emit_at(lookup, call.method_line);
        }
        self.arguments(base, call.args, line)
    }

    /// Compiles arguments and the call of the function in register `base`; a `self` argument is
    /// in the register above already.
    fn arguments(&mut self, base: usize, args: Exprs, line: Line) -> Result<Operand> {
        self.line = line;
        let open = self.expression_list(args)?;
        let count = if open { 0 } else { self.free - base };
        let call = Instruction::new(Opcode::Call, reg(base), count as u16, 2);
        let pc = self.emit_at(call, line);
        // The call leaves one value in place of the function, unless more are asked for.
        self.free = base + 1;
        Ok(self.operand(Kind::Call(pc)))
    }

    /// Puts the values of a list into the next registers; whether the last one is a call or `...`
    /// that goes up to the top.
    pub(super) fn expression_list(&mut self, list: Exprs) -> Result<bool> {
        let Some((&last, first)) = self.tree[list].split_last() else {
            return Ok(false);
        };
        for &expr in first {
            let mut operand = self.expression(expr)?;
            self.put_in_next(&mut operand)?;
        }
        let mut operand = self.expression(last)?;
        if operand.is_multiple() {
            self.set_results(&operand, None)?;
            return Ok(true);
        }
        self.put_in_next(&mut operand)?;
        Ok(false)
    }

    /// Fixes how many values a call or `...` gives; `None` means all, up to the top.
    pub(super) fn set_results(&mut self, operand: &Operand, count: Option<usize>) -> Result<()> {
        let field = count.map_or(0, |count| count as u16 + 1);
        match operand.kind() {
            Kind::Call(pc) => self.set_c(pc, field),
            Kind::VarArg(pc) => {
                self.set_b(pc, field);
                self.set_a(pc, reg(self.free));
                self.reserve(1)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Evaluates `values` into exactly `count` new registers.
    pub(super) fn adjusted_list(&mut self, values: &[ExprId], count: usize) -> Result<()> {
        let mut last = None;
        for (index, &expr) in values.iter().enumerate() {
            let mut operand = self.expression(expr)?;
            if index + 1 < values.len() {
                self.put_in_next(&mut operand)?;
            } else {
                last = Some(operand);
            }
        }
        self.adjust(count, values.len(), last)
    }

    /// Adjusts a list of `given` values, all but the last in registers, to `wanted` values in
    /// registers.
    pub(super) fn adjust(
        &mut self,
        wanted: usize,
        given: usize,
        last: Option<Operand>,
    ) -> Result<()> {
        match last {
            Some(operand) if operand.is_multiple() => {
                let count = (wanted + 1).saturating_sub(given);
                self.set_results(&operand, Some(count))?;
            }
            last => {
                if let Some(mut operand) = last {
                    self.put_in_next(&mut operand)?;
                }
                if wanted > given {
                    self.emit_nil(self.free, wanted - given, self.line);
                }
            }
        }
        if wanted > given {
            self.reserve(wanted - given)?;
        } else {
            self.free -= given - wanted;
        }
        Ok(())
    }
}
