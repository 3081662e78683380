//! Operands: where the value of an expression is, or which code will produce it.
//!
//! *Discharging* an operand emits that code. An operand of kind [`Kind::Relocatable`] or
//! [`Kind::Jump`] is the last instruction emitted: it has to be discharged before anything else
//! is. Captured locals stay [`Kind::Cell`] until they are needed, so that an operand of a binary
//! operation sees assignments made while the other operand is evaluated, as in the reference
//! implementation.

use super::Result;
use super::function::{FunctionState, NO_REGISTER, reg};
use super::jump::JumpList;
use crate::ast::{ConstantValue, Line};
use crate::bytecode::instruction::Instruction;
use crate::bytecode::opcode::Opcode;

/// What is indexed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Object {
    /// The value of a register.
    Register(u8),
    /// The value of the cell in a register.
    Cell(u8),
    /// The value of an upvalue; its key is always [`Key::Field`].
    Upvalue(u8),
}

/// A key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Key {
    /// A short string constant (its offset).
    Field(u16),
    /// A small positive integer.
    Integer(u16),
    /// The value of a register.
    Register(u8),
    /// The value of the cell in a register.
    Cell(u8),
}

/// Where a value is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// A constant.
    Constant(ConstantValue),
    /// In a register.
    Register(usize),
    /// In the cell in a register (a captured local).
    Cell(usize),
    /// In an upvalue.
    Upvalue(u8),
    /// In a table.
    Index(Object, Key),
    /// The result of the instruction at this position, whose field A is open.
    Relocatable(usize),
    /// The results of the call at this position.
    Call(usize),
    /// The results of the `VarArg` at this position, whose field A is open.
    VarArg(usize),
    /// Whether this jump (an index into `jumps`) is taken.
    Jump(u32),
}

/// The value of an expression, and the jumps that left it early.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operand {
    /// Where the value is when no jump was taken.
    pub(super) kind: Kind,
    /// Jumps taken when the value is true.
    pub(super) on_true: JumpList,
    /// Jumps taken when the value is false.
    pub(super) on_false: JumpList,
    /// The line of the instructions that will produce the value.
    pub(super) line: Line,
}

impl Operand {
    /// An operand without jumps.
    pub(super) fn new(kind: Kind, line: Line) -> Self {
        Self {
            kind,
            on_true: JumpList::EMPTY,
            on_false: JumpList::EMPTY,
            line,
        }
    }

    /// Whether some jump left the expression early.
    pub(super) fn has_jumps(&self) -> bool {
        !self.on_true.is_empty() || !self.on_false.is_empty()
    }

    /// The constant that the operand always is.
    pub(super) fn as_constant(&self) -> Option<ConstantValue> {
        match self.kind {
            Kind::Constant(value) if !self.has_jumps() => Some(value),
            _ => None,
        }
    }

    /// The number that the operand always is.
    pub(super) fn as_number(&self) -> Option<ConstantValue> {
        self.as_constant()
            .filter(|value| matches!(value, ConstantValue::Integer(_) | ConstantValue::Float(_)))
    }

    /// The small integer that the operand always is.
    pub(super) fn as_small_integer(&self) -> Option<i16> {
        match self.as_constant() {
            Some(ConstantValue::Integer(i)) => i16::try_from(i).ok(),
            _ => None,
        }
    }

    /// The small integer, or float equal to one, that the operand always is, and whether it is a
    /// float.
    pub(super) fn as_small_number(&self) -> Option<(i16, bool)> {
        match self.as_constant() {
            Some(ConstantValue::Float(f)) if (f as i16 as f64) == f => Some((f as i16, true)),
            _ => self.as_small_integer().map(|integer| (integer, false)),
        }
    }

    /// Whether it stands for all values of a call or `...`.
    pub(super) fn is_multiple(&self) -> bool {
        matches!(self.kind, Kind::Call(_) | Kind::VarArg(_))
    }
}

impl FunctionState<'_, '_> {
    /// An operand without jumps at the current line.
    pub(super) fn operand(&self, kind: Kind) -> Operand {
        Operand::new(kind, self.line)
    }

    /// A constant at the current line.
    pub(super) fn constant_operand(&self, value: ConstantValue) -> Operand {
        self.operand(Kind::Constant(value))
    }

    /// Gives back the register that the operand occupies, if it is a temporary.
    pub(super) fn free_operand(&mut self, operand: &Operand) {
        if let Kind::Register(register) = operand.kind {
            self.free_register(register);
        }
    }

    /// Gives back the registers of two operands.
    pub(super) fn free_operands(&mut self, first: &Operand, second: &Operand) {
        match (first.kind, second.kind) {
            (Kind::Register(one), Kind::Register(other)) if one < other => {
                self.free_register(other);
                self.free_register(one);
            }
            _ => {
                self.free_operand(first);
                self.free_operand(second);
            }
        }
    }

    /// Gives back the temporaries that an index operation occupies.
    pub(super) fn free_index(&mut self, object: Object, key: Key) {
        let object = match object {
            Object::Register(register) => Some(register),
            _ => None,
        };
        let key = match key {
            Key::Register(register) => Some(register),
            _ => None,
        };
        for register in [object.max(key), object.min(key)].into_iter().flatten() {
            self.free_register(register.into());
        }
    }

    /// Takes the next register for the value of the cell in `register`.
    fn read_cell(&mut self, register: usize, line: Line) -> Result<usize> {
        let temporary = self.reserve(1)?;
        let read = Instruction::new(Opcode::GetCell, reg(temporary), reg(register), 0);
        self.emit_at(read, line);
        Ok(temporary)
    }

    /// Reads the cells that an index operation needs into registers.
    pub(super) fn read_index_cells(
        &mut self,
        mut object: Object,
        mut key: Key,
        line: Line,
    ) -> Result<(Object, Key)> {
        if let Object::Cell(register) = object {
            object = Object::Register(self.read_cell(register.into(), line)? as u8);
        }
        if let Key::Cell(register) = key {
            key = Key::Register(self.read_cell(register.into(), line)? as u8);
        }
        Ok((object, key))
    }

    /// Keeps one value of a call or `...`.
    pub(super) fn single_value(&mut self, operand: &mut Operand) {
        match operand.kind {
            Kind::Call(pc) => {
                let base = self.instruction(pc).a() / reg(1);
                operand.kind = Kind::Register(base as usize);
            }
            Kind::VarArg(pc) => {
                self.set_b(pc, 2);
                operand.kind = Kind::Relocatable(pc);
            }
            _ => {}
        }
    }

    /// Turns variables into values: afterwards the operand is a constant, in a register,
    /// relocatable or a jump.
    pub(super) fn discharge_variables(&mut self, operand: &mut Operand) -> Result<()> {
        match operand.kind {
            Kind::Cell(register) => {
                let read = Instruction::new(Opcode::GetCell, NO_REGISTER, reg(register), 0);
                let pc = self.emit_at(read, operand.line);
                operand.kind = Kind::Relocatable(pc);
            }
            Kind::Upvalue(index) => {
                let read = Instruction::new(Opcode::GetUpvalue, NO_REGISTER, index as u16, 0);
                let pc = self.emit_at(read, operand.line);
                operand.kind = Kind::Relocatable(pc);
            }
            Kind::Index(object, key) => {
                let (object, key) = self.read_index_cells(object, key, operand.line)?;
                self.free_index(object, key);
                let pc = self.emit_at(get_instruction(object, key), operand.line);
                operand.kind = Kind::Relocatable(pc);
            }
            Kind::Call(_) | Kind::VarArg(_) => self.single_value(operand),
            _ => {}
        }
        Ok(())
    }

    /// Puts the value into `register`, unless it is a jump.
    fn discharge_in(&mut self, operand: &mut Operand, register: usize) -> Result<()> {
        self.discharge_variables(operand)?;
        match operand.kind {
            Kind::Constant(value) => self.load_constant(register, value, operand.line)?,
            Kind::Relocatable(pc) => self.set_a(pc, reg(register)),
            Kind::Register(from) if from != register => {
                let instruction = Instruction::new(Opcode::Move, reg(register), reg(from), 0);
                self.emit_at(instruction, operand.line);
            }
            Kind::Jump(_) => return Ok(()),
            _ => {}
        }
        operand.kind = Kind::Register(register);
        Ok(())
    }

    /// Puts the value, ignoring the operand's jumps, into some register unless it is a jump.
    pub(super) fn discharge_in_any(&mut self, operand: &mut Operand) -> Result<()> {
        if !matches!(operand.kind, Kind::Register(_)) {
            let register = self.reserve(1)?;
            self.discharge_in(operand, register)?;
        }
        Ok(())
    }

    /// Puts the final value into `register`.
    pub(super) fn put_in(&mut self, operand: &mut Operand, register: usize) -> Result<()> {
        self.discharge_in(operand, register)?;
        if let Kind::Jump(jump) = operand.kind {
            operand.on_true = self.join(operand.on_true, JumpList::one(jump));
        }
        if operand.has_jumps() {
            let mut load_false = 0;
            let mut load_true = 0;
            if self.needs_value(operand.on_true) || self.needs_value(operand.on_false) {
                let over = if matches!(operand.kind, Kind::Jump(_)) {
                    JumpList::EMPTY
                } else {
                    self.jump()
                };
                load_false = self.label();
                self.emit(Opcode::LoadFalse, reg(register), 0, 0);
                let skip = self.jump();
                load_true = self.label();
                self.emit(Opcode::LoadTrue, reg(register), 0, 0);
                self.patch_here(skip);
                self.patch_here(over);
            }
            let end = self.label();
            self.patch_values(operand.on_false, Some(register), end, load_false);
            self.patch_values(operand.on_true, Some(register), end, load_true);
        }
        *operand = Operand::new(Kind::Register(register), operand.line);
        Ok(())
    }

    /// Puts the final value into the next register.
    pub(super) fn put_in_next(&mut self, operand: &mut Operand) -> Result<usize> {
        self.discharge_variables(operand)?;
        self.free_operand(operand);
        let register = self.reserve(1)?;
        self.put_in(operand, register)?;
        Ok(register)
    }

    /// Puts the final value into some register.
    pub(super) fn put_in_any(&mut self, operand: &mut Operand) -> Result<usize> {
        self.discharge_variables(operand)?;
        if let Kind::Register(register) = operand.kind {
            if !operand.has_jumps() {
                return Ok(register);
            }
            if register >= self.locals_top {
                self.put_in(operand, register)?;
                return Ok(register);
            }
        }
        self.put_in_next(operand)
    }
}

/// The read of an index operation without cells.
fn get_instruction(object: Object, key: Key) -> Instruction {
    let (object, upvalue) = match object {
        Object::Register(register) | Object::Cell(register) => (reg(register.into()), None),
        Object::Upvalue(index) => (0, Some(index)),
    };
    match (key, upvalue) {
        (Key::Field(field), Some(index)) => {
            Instruction::new(Opcode::GetUpvalueField, NO_REGISTER, index as u16, field)
        }
        (Key::Field(field), None) => Instruction::new(Opcode::GetField, NO_REGISTER, object, field),
        (Key::Integer(integer), _) => {
            Instruction::new(Opcode::GetInt, NO_REGISTER, object, integer)
        }
        (Key::Register(register) | Key::Cell(register), _) => {
            Instruction::new(Opcode::GetIndex, NO_REGISTER, object, reg(register.into()))
        }
    }
}
