//! Assignments: targets, stores, and the order of several assignments at once.

use super::Result;
use super::function::{FunctionState, reg};
use super::operand::{Key, Kind, Object, Operand};
use crate::ast::{Exprs, Line};
use crate::bytecode::instruction::{FLAG_HIDDEN, Instruction};
use crate::bytecode::opcode::Opcode;

impl FunctionState<'_, '_> {
    /// `targets = values`; stores belong to `line`.
    pub(super) fn assignment(&mut self, targets: Exprs, values: Exprs, line: Line) -> Result<()> {
        let (targets, values) = (&self.tree[targets], &self.tree[values]);
        if let (&[target], &[value]) = (targets, values) {
            let target = self.expression(target)?.kind();
            let mut operand = self.expression(value)?;
            self.single_value(&mut operand);
            self.line = line;
            return self.store(target, operand, line);
        }
        let mut kinds: Vec<Kind> = Vec::with_capacity(targets.len());
        for &target in targets {
            let kind = self.expression(target)?.kind();
            if !matches!(kind, Kind::Index(..)) {
                self.save_conflicting(&mut kinds, kind)?;
            }
            kinds.push(kind);
        }
        if targets.len() == values.len() {
            // The last value goes straight to its target, the others wait in registers.
            let mut last = None;
            for (index, &value) in values.iter().enumerate() {
                let mut operand = self.expression(value)?;
                if index + 1 < values.len() {
                    self.put_in_next(&mut operand)?;
                } else {
                    self.single_value(&mut operand);
                    last = Some(operand);
                }
            }
            self.line = line;
            if let (Some(operand), Some(target)) = (last, kinds.pop()) {
                self.store(target, operand, line)?;
            }
        } else {
            self.adjusted_list(values, targets.len())?;
            self.line = line;
        }
        while let Some(target) = kinds.pop() {
            let value = self.operand(Kind::Register(self.free - 1));
            self.store(target, value, line)?;
        }
        Ok(())
    }

    /// Before the variable `assigned` becomes the next target: targets so far that index it, or
    /// use it as key, must see its old value, which is copied to a register for them.
    fn save_conflicting(&mut self, targets: &mut [Kind], assigned: Kind) -> Result<()> {
        let copy = self.free;
        let mut conflict = false;
        for target in targets {
            let Kind::Index(object, key) = target else {
                continue;
            };
            let same_object = match (*object, assigned) {
                (Object::Register(one), Kind::Register(other)) => usize::from(one) == other,
                (Object::Cell(one), Kind::Cell(other)) => usize::from(one) == other,
                (Object::Upvalue(one), Kind::Upvalue(other)) => one == other,
                _ => false,
            };
            let same_key = match (*key, assigned) {
                (Key::Register(one), Kind::Register(other)) => usize::from(one) == other,
                (Key::Cell(one), Kind::Cell(other)) => usize::from(one) == other,
                _ => false,
            };
            if same_object {
                *object = Object::Register(copy as u8);
            }
            if same_key {
                *key = Key::Register(copy as u8);
            }
            conflict |= same_object || same_key;
        }
        if conflict {
            self.reserve(1)?;
            match assigned {
                Kind::Register(from) => self.emit(Opcode::Move, reg(copy), reg(from), 0),
                Kind::Cell(from) => self.emit(Opcode::GetCell, reg(copy), reg(from), 0),
                Kind::Upvalue(from) => self.emit(Opcode::GetUpvalue, reg(copy), from as u16, 0),
                _ => 0,
            };
        }
        Ok(())
    }

    /// Stores `value` to `target`, with `line`, and gives back the register of the value.
    pub(super) fn store(&mut self, target: Kind, mut value: Operand, line: Line) -> Result<()> {
        match target {
            Kind::Register(register) => {
                self.free_operand(&value);
                self.put_in(&mut value, register)?;
                return Ok(());
            }
            Kind::Cell(cell) if value.kind() == target && !value.has_jumps() => {
                debug_assert!(self.free > cell, "the variable has a register");
            }
            Kind::Cell(cell) => {
                let moves = matches!(value.kind(), Kind::Register(_)) && !value.has_jumps();
                let from = self.put_in_any(&mut value)?;
                let store = Instruction::new(Opcode::SetCell, reg(cell), reg(from), 0);
                let flags = if moves { 0 } else { FLAG_HIDDEN };
                self.emit_at(store.with_flags(flags), line);
            }
            Kind::Upvalue(index) => {
                let from = self.put_in_any(&mut value)?;
                let store = Instruction::new(Opcode::SetUpvalue, reg(from), index as u16, 0);
                self.emit_at(store, line);
            }
            Kind::Index(object, key) => self.store_index(object, key, &mut value, line)?,
            _ => {}
        }
        self.free_operand(&value);
        Ok(())
    }

    fn store_index(
        &mut self,
        object: Object,
        key: Key,
        value: &mut Operand,
        line: Line,
    ) -> Result<()> {
        let mut constant = None;
        if let Some(value) = value.as_constant()
            && !matches!(object, Object::Upvalue(_))
            && !matches!(key, Key::Integer(_))
        {
            constant = self.short_constant(value);
        }
        let from = match constant {
            Some(_) => 0,
            None => self.put_in_any(value)?,
        };
        let value_top = self.free;
        let (object, key) = self.read_index_cells(object, key, line)?;
        let table = match object {
            Object::Register(register) | Object::Cell(register) => reg(register.into()),
            Object::Upvalue(index) => index as u16,
        };
        let is_upvalue = matches!(object, Object::Upvalue(_));
        let (op, b) = match (key, constant.is_some()) {
            (Key::Field(field), _) if is_upvalue => (Opcode::SetUpvalueField, field),
            (Key::Field(field), true) => (Opcode::SetFieldConst, field),
            (Key::Field(field), false) => (Opcode::SetField, field),
            (Key::Integer(integer), _) => (Opcode::SetInt, integer),
            (Key::Register(key) | Key::Cell(key), true) => (Opcode::SetIndexConst, reg(key.into())),
            (Key::Register(key) | Key::Cell(key), false) => (Opcode::SetIndex, reg(key.into())),
        };
        let c = constant.unwrap_or(reg(from));
        self.emit_at(Instruction::new(op, table, b, c), line);
        self.free = value_top;
        Ok(())
    }
}
