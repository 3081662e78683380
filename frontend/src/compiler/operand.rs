//! Operands: where the value of an expression is, or which code will produce it.
//!
//! *Discharging* an operand emits that code. An operand of kind [`Kind::Relocatable`] or
//! [`Kind::Jump`] is the last instruction emitted: it has to be discharged before anything else
//! is. Captured locals stay [`Kind::Cell`] until they are needed, so that an operand of a binary
//! operation sees assignments made while the other operand is evaluated, as in the reference
//! implementation.
//!
//! Compiling an expression yields an operand, and most are of one token; so an operand is two words,
//! which functions return in registers.

use std::num::NonZeroU64;

use super::Result;
use super::function::{FunctionState, NO_REGISTER, reg};
use super::jump::JumpList;
use crate::ast::{ConstantValue, Line, Symbol};
use crate::bytecode::instruction::{FLAG_HIDDEN, Instruction, JUMP_STEP};
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
    /// What kind it is (see [`tag`]; 8 bits), which exits it has (0 for none; 24 bits) and the line
    /// of the instructions that will produce the value.
    word: NonZeroU64,
    /// What the kind says of it.
    payload: u64,
}

/// The jumps that left an expression early.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exits {
    /// Jumps taken when the value is true.
    pub(super) on_true: JumpList,
    /// Jumps taken when the value is false.
    pub(super) on_false: JumpList,
}

/// What kind an operand is, in its word.
mod tag {
    pub(super) const NIL: u8 = 1;
    pub(super) const BOOLEAN: u8 = 2;
    pub(super) const INTEGER: u8 = 3;
    pub(super) const FLOAT: u8 = 4;
    pub(super) const STRING: u8 = 5;
    pub(super) const REGISTER: u8 = 6;
    pub(super) const CELL: u8 = 7;
    pub(super) const UPVALUE: u8 = 8;
    pub(super) const INDEX: u8 = 9;
    pub(super) const RELOCATABLE: u8 = 10;
    pub(super) const CALL: u8 = 11;
    pub(super) const VARARG: u8 = 12;
    pub(super) const JUMP: u8 = 13;
}

const EXITS_SHIFT: u32 = 8;
const LINE_SHIFT: u32 = 32;
/// The most operands with exits that a statement may have at a time.
const MAX_EXITS: usize = (1 << (LINE_SHIFT - EXITS_SHIFT)) - 1;

/// An index operation as a payload: which object and which key in a byte each, their operands.
#[inline]
fn pack_index(object: Object, key: Key) -> u64 {
    let (object_kind, object) = match object {
        Object::Register(register) => (0, register),
        Object::Cell(register) => (1, register),
        Object::Upvalue(index) => (2, index),
    };
    let (key_kind, key) = match key {
        Key::Field(offset) => (0, offset),
        Key::Integer(integer) => (1, integer),
        Key::Register(register) => (2, register.into()),
        Key::Cell(register) => (3, register.into()),
    };
    object_kind | u64::from(object) << 8 | key_kind << 16 | u64::from(key) << 32
}

/// The reverse of [`pack_index`].
#[inline]
fn unpack_index(payload: u64) -> (Object, Key) {
    let number = (payload >> 8) as u8;
    let object = match payload as u8 {
        0 => Object::Register(number),
        1 => Object::Cell(number),
        _ => Object::Upvalue(number),
    };
    let number = (payload >> 32) as u16;
    let key = match (payload >> 16) as u8 {
        0 => Key::Field(number),
        1 => Key::Integer(number),
        2 => Key::Register(number as u8),
        _ => Key::Cell(number as u8),
    };
    (object, key)
}

impl Operand {
    /// An operand without jumps.
    #[inline]
    pub(super) fn new(kind: Kind, line: Line) -> Self {
        let mut operand = Self {
            word: NonZeroU64::MIN.saturating_add(u64::from(line) << LINE_SHIFT),
            payload: 0,
        };
        operand.set_kind(kind);
        operand
    }

    /// Where the value is when no jump was taken.
    #[inline]
    pub(super) fn kind(&self) -> Kind {
        let position = self.payload as usize;
        match self.word.get() as u8 {
            tag::BOOLEAN => Kind::Constant(ConstantValue::Boolean(self.payload != 0)),
            tag::INTEGER => Kind::Constant(ConstantValue::Integer(self.payload as i64)),
            tag::FLOAT => Kind::Constant(ConstantValue::Float(f64::from_bits(self.payload))),
            tag::STRING => Kind::Constant(ConstantValue::String(Symbol(self.payload as u32))),
            tag::REGISTER => Kind::Register(position),
            tag::CELL => Kind::Cell(position),
            tag::UPVALUE => Kind::Upvalue(position as u8),
            tag::INDEX => {
                let (object, key) = unpack_index(self.payload);
                Kind::Index(object, key)
            }
            tag::RELOCATABLE => Kind::Relocatable(position),
            tag::CALL => Kind::Call(position),
            tag::VARARG => Kind::VarArg(position),
            tag::JUMP => Kind::Jump(position as u32),
            _ => Kind::Constant(ConstantValue::Nil),
        }
    }

    /// Changes where the value is.
    #[inline]
    pub(super) fn set_kind(&mut self, kind: Kind) {
        let (tag, payload) = match kind {
            Kind::Constant(ConstantValue::Nil) => (tag::NIL, 0),
            Kind::Constant(ConstantValue::Boolean(b)) => (tag::BOOLEAN, b.into()),
            Kind::Constant(ConstantValue::Integer(i)) => (tag::INTEGER, i as u64),
            Kind::Constant(ConstantValue::Float(f)) => (tag::FLOAT, f.to_bits()),
            Kind::Constant(ConstantValue::String(s)) => (tag::STRING, s.0.into()),
            Kind::Register(register) => (tag::REGISTER, register as u64),
            Kind::Cell(register) => (tag::CELL, register as u64),
            Kind::Upvalue(index) => (tag::UPVALUE, index.into()),
            Kind::Index(object, key) => (tag::INDEX, pack_index(object, key)),
            Kind::Relocatable(pc) => (tag::RELOCATABLE, pc as u64),
            Kind::Call(pc) => (tag::CALL, pc as u64),
            Kind::VarArg(pc) => (tag::VARARG, pc as u64),
            Kind::Jump(jump) => (tag::JUMP, jump.into()),
        };
        let rest = self.word.get() & !0xff;
        self.word = NonZeroU64::MIN.saturating_add(rest + u64::from(tag) - 1);
        self.payload = payload;
    }

    /// The line of the instructions that will produce the value.
    #[inline]
    pub(super) fn line(&self) -> Line {
        (self.word.get() >> LINE_SHIFT) as Line
    }

    /// Changes that line.
    #[inline]
    pub(super) fn set_line(&mut self, line: Line) {
        self.word = NonZeroU64::MIN
            .saturating_add((self.word.get() & 0xffff_ffff) - 1 + (u64::from(line) << LINE_SHIFT));
    }

    /// Whether some jump left the expression early.
    #[inline]
    pub(super) fn has_jumps(&self) -> bool {
        self.exits_index().is_some()
    }

    #[inline]
    fn exits_index(&self) -> Option<usize> {
        let number = self.word.get() as u32 >> EXITS_SHIFT;
        (number as usize).checked_sub(1)
    }

    /// The constant that the operand always is.
    pub(super) fn as_constant(&self) -> Option<ConstantValue> {
        match self.kind() {
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
        matches!(self.kind(), Kind::Call(_) | Kind::VarArg(_))
    }
}

impl FunctionState<'_, '_> {
    /// An operand without jumps at the current line.
    pub(super) fn operand(&self, kind: Kind) -> Operand {
        Operand::new(kind, self.line)
    }

    /// The jumps that left `operand` early.
    #[inline]
    pub(super) fn exits(&self, operand: &Operand) -> Exits {
        match operand.exits_index() {
            Some(index) => self.exits[index],
            None => Exits {
                on_true: JumpList::EMPTY,
                on_false: JumpList::EMPTY,
            },
        }
    }

    /// Changes them. They are forgotten at the end of the statement.
    pub(super) fn set_exits(&mut self, operand: &mut Operand, exits: Exits) -> Result<()> {
        let number = if exits.on_true.is_empty() && exits.on_false.is_empty() {
            0
        } else if let Some(index) = operand.exits_index() {
            self.exits[index] = exits;
            return Ok(());
        } else {
            self.exits.push(exits);
            if self.exits.len() > MAX_EXITS {
                return Err(self.limit_error("control structure too long"));
            }
            self.exits.len()
        };
        let mask = (MAX_EXITS as u64) << EXITS_SHIFT;
        let word = operand.word.get() & !mask | (number as u64) << EXITS_SHIFT;
        operand.word = NonZeroU64::MIN.saturating_add(word - 1);
        Ok(())
    }

    /// A constant at the current line.
    pub(super) fn constant_operand(&self, value: ConstantValue) -> Operand {
        self.operand(Kind::Constant(value))
    }

    /// Gives back the register that the operand occupies, if it is a temporary.
    pub(super) fn free_operand(&mut self, operand: &Operand) {
        if let Kind::Register(register) = operand.kind() {
            self.free_register(register);
        }
    }

    /// Gives back the registers of two operands.
    pub(super) fn free_operands(&mut self, first: &Operand, second: &Operand) {
        match (first.kind(), second.kind()) {
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
        self.emit_at(read.with_flags(FLAG_HIDDEN), line);
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
        match operand.kind() {
            Kind::Call(pc) => {
                let base = self.instruction(pc).a() / reg(1);
                operand.set_kind(Kind::Register(base as usize));
            }
            Kind::VarArg(pc) => {
                self.set_b(pc, 2);
                operand.set_kind(Kind::Relocatable(pc));
            }
            _ => {}
        }
    }

    /// Turns variables into values: afterwards the operand is a constant, in a register,
    /// relocatable or a jump.
    pub(super) fn discharge_variables(&mut self, operand: &mut Operand) -> Result<()> {
        match operand.kind() {
            Kind::Cell(register) => {
                let read = Instruction::new(Opcode::GetCell, NO_REGISTER, reg(register), 0);
                let pc = self.emit_at(read, operand.line());
                operand.set_kind(Kind::Relocatable(pc));
            }
            Kind::Upvalue(index) => {
                let read = Instruction::new(Opcode::GetUpvalue, NO_REGISTER, index as u16, 0);
                let pc = self.emit_at(read, operand.line());
                operand.set_kind(Kind::Relocatable(pc));
            }
            Kind::Index(object, key) => {
                let (object, key) = self.read_index_cells(object, key, operand.line())?;
                self.free_index(object, key);
                let pc = self.emit_at(get_instruction(object, key), operand.line());
                operand.set_kind(Kind::Relocatable(pc));
            }
            Kind::Call(_) | Kind::VarArg(_) => self.single_value(operand),
            _ => {}
        }
        Ok(())
    }

    /// Puts the value into `register`, unless it is a jump.
    fn discharge_in(&mut self, operand: &mut Operand, register: usize) -> Result<()> {
        self.discharge_variables(operand)?;
        match operand.kind() {
            Kind::Constant(value) => self.load_constant(register, value, operand.line())?,
            Kind::Relocatable(pc) => self.set_a(pc, reg(register)),
            Kind::Register(from) if from != register => {
                let instruction = Instruction::new(Opcode::Move, reg(register), reg(from), 0);
                self.emit_at(instruction, operand.line());
            }
            Kind::Jump(_) => return Ok(()),
            _ => {}
        }
        operand.set_kind(Kind::Register(register));
        Ok(())
    }

    /// Puts the value, ignoring the operand's jumps, into some register unless it is a jump.
    pub(super) fn discharge_in_any(&mut self, operand: &mut Operand) -> Result<()> {
        self.hide_read(operand);
        if !matches!(operand.kind(), Kind::Register(_)) {
            let register = self.reserve(1)?;
            self.discharge_in(operand, register)?;
        }
        Ok(())
    }

    /// The cell that the operand was read from, if it was.
    pub(super) fn read_of_cell(&self, operand: &Operand) -> Option<usize> {
        let Kind::Relocatable(pc) = operand.kind() else {
            return None;
        };
        let instruction = self.instruction(pc);
        (instruction.opcode() == Some(Opcode::GetCell)).then(|| instruction.register_b())
    }

    /// Where any register will do, PUC Lua uses that of the variable.
    pub(super) fn hide_read(&mut self, operand: &Operand) {
        if let Kind::Relocatable(pc) = operand.kind()
            && self.read_of_cell(operand).is_some()
        {
            self.code[pc] = self.instruction(pc).with_flags(FLAG_HIDDEN).0;
        }
    }

    /// Puts the final value into `register`.
    pub(super) fn put_in(&mut self, operand: &mut Operand, register: usize) -> Result<()> {
        self.discharge_in(operand, register)?;
        if matches!(operand.kind(), Kind::Jump(_)) || operand.has_jumps() {
            self.put_exits_in(operand, register);
        }
        *operand = Operand::new(Kind::Register(register), operand.line());
        Ok(())
    }

    /// Lets the jumps that left the operand early bring its value to `register` and come here.
    fn put_exits_in(&mut self, operand: &Operand, register: usize) {
        let Exits {
            mut on_true,
            on_false,
        } = self.exits(operand);
        let is_jump = match operand.kind() {
            Kind::Jump(jump) => {
                on_true = self.join(on_true, JumpList::one(jump));
                true
            }
            _ => false,
        };
        let mut load_false = 0;
        let mut load_true = 0;
        if self.needs_value(on_true) || self.needs_value(on_false) {
            let over = if is_jump {
                JumpList::EMPTY
            } else {
                self.jump()
            };
            load_false = self.label();
            self.emit(Opcode::LoadFalse, reg(register), 0, 0);
            let skip = self.flagged_jump(JUMP_STEP, self.line);
            load_true = self.label();
            self.emit(Opcode::LoadTrue, reg(register), 0, 0);
            self.patch_here(skip);
            self.patch_here(over);
        }
        let both = [self.over_nothing(on_false), self.over_nothing(on_true)];
        let end = self.label();
        for nothing in both {
            self.patch_to(nothing, end);
        }
        self.patch_values(on_false, Some(register), end, load_false);
        self.patch_values(on_true, Some(register), end, load_true);
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
        if !operand.has_jumps() {
            self.hide_read(operand);
        }
        if let Kind::Register(register) = operand.kind() {
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
