//! Precompiled chunks: writing (`string.dump`).
//!
//! A chunk starts with the header of the reference implementation's 5.4 format, byte for byte,
//! and the number of upvalues of the main function. Our own format follows: a magic number and a
//! version, then the function. Instructions are written operand by operand, as the opcode table
//! describes them: register and constant *numbers*, variable-length integers, no caches or
//! counters. So a dump is compact, and nothing of a running program gets into it.
//!
//! `undump` reads it back. Every proper prefix of a chunk is recognised as truncated.

use std::rc::Rc;

use super::instruction::{Instruction, SCALE};
use super::opcode::{ExtraWord, Opcode, Operand};
use super::proto::{Constant, Proto};
pub use super::undump::{UndumpError, undump};

/// The first byte of every precompiled chunk.
pub const SIGNATURE: &[u8] = b"\x1bLua";
/// Version 5.4, format 0.
pub(super) const VERSION: &[u8] = &[0x54, 0];
/// Detects conversions of line ends and the like.
pub(super) const DATA: &[u8] = b"\x19\x93\r\n\x1a\n";
/// Sizes of an instruction, an integer and a float in the reference implementation.
pub(super) const SIZES: [(u8, &str); 3] =
    [(4, "Instruction"), (8, "lua_Integer"), (8, "lua_Number")];
/// Detects another format of integers.
pub(super) const CHECK_INTEGER: i64 = 0x5678;
/// Detects another format of floats.
pub(super) const CHECK_FLOAT: f64 = 370.5;
/// Says that our own format follows, and its version.
pub(super) const FORMAT: &[u8] = b"Peri\x01";
/// Bit of the opcode byte that says that a byte of flags follows.
pub(super) const HAS_FLAGS: u8 = 0x80;

/// Tags of constants.
pub(super) mod tag {
    pub(in super::super) const NIL: u8 = 0;
    pub(in super::super) const FALSE: u8 = 1;
    pub(in super::super) const TRUE: u8 = 2;
    pub(in super::super) const INTEGER: u8 = 3;
    pub(in super::super) const FLOAT: u8 = 4;
    pub(in super::super) const STRING: u8 = 5;
}

/// The precompiled form of `proto`; `strip` leaves the debug information out.
pub fn dump(proto: &Proto, strip: bool) -> Vec<u8> {
    let mut writer = Writer {
        bytes: Vec::with_capacity(64 + proto.code.len() * 4),
        strip,
    };
    writer.bytes.extend_from_slice(SIGNATURE);
    writer.bytes.extend_from_slice(VERSION);
    writer.bytes.extend_from_slice(DATA);
    writer.bytes.extend(SIZES.map(|(size, _)| size));
    writer.bytes.extend(CHECK_INTEGER.to_ne_bytes());
    writer.bytes.extend(CHECK_FLOAT.to_ne_bytes());
    writer.bytes.push(proto.upvalues.len() as u8);
    writer.bytes.extend_from_slice(FORMAT);
    writer.function(proto, None);
    writer.bytes
}

struct Writer {
    bytes: Vec<u8>,
    strip: bool,
}

impl Writer {
    fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    fn unsigned(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    /// Small absolute values are short.
    fn signed(&mut self, value: i64) {
        self.unsigned((value << 1 ^ value >> 63) as u64);
    }

    fn string(&mut self, string: Option<&[u8]>) {
        match string {
            Some(string) => {
                self.unsigned(string.len() as u64 + 1);
                self.bytes.extend_from_slice(string);
            }
            None => self.unsigned(0),
        }
    }

    fn function(&mut self, proto: &Proto, parent_source: Option<&Rc<[u8]>>) {
        let source = proto.source.as_ref();
        let omitted = self.strip || source == parent_source;
        self.string(source.filter(|_| !omitted).map(|source| &**source));
        self.unsigned(proto.line_defined as u64);
        self.unsigned(proto.last_line_defined as u64);
        self.byte(proto.num_params);
        self.byte(proto.is_vararg as u8);
        self.byte(proto.max_stack);
        self.code(&proto.code);
        self.unsigned(proto.constants.len() as u64);
        for constant in &proto.constants {
            self.constant(constant);
        }
        self.unsigned(proto.upvalues.len() as u64);
        for upvalue in &proto.upvalues {
            self.byte(upvalue.in_stack as u8 | (upvalue.is_constant as u8) << 1);
            self.byte(upvalue.index);
        }
        self.unsigned(proto.protos.len() as u64);
        for inner in &proto.protos {
            self.function(inner, source);
        }
        self.debug_information(proto);
    }

    fn code(&mut self, code: &[u64]) {
        self.unsigned(code.len() as u64);
        let mut pc = 0;
        while let Some(&word) = code.get(pc) {
            let instruction = Instruction(word);
            self.instruction(instruction);
            let argument = instruction.opcode().map(Opcode::extra_word);
            if argument == Some(ExtraWord::Argument) {
                self.unsigned(code.get(pc + 1).copied().unwrap_or(0));
            }
            pc += instruction.length();
        }
    }

    fn instruction(&mut self, instruction: Instruction) {
        let Some(op) = instruction.opcode() else {
            return self.byte(instruction.op_byte());
        };
        if instruction.flags() == 0 {
            self.byte(op as u8);
        } else {
            self.byte(op as u8 | HAS_FLAGS);
            self.byte(instruction.flags());
        }
        let fields = [instruction.a(), instruction.b(), instruction.c()];
        for (kind, field) in op.operands().into_iter().zip(fields) {
            let wide = instruction.bc();
            match kind {
                Operand::None => {}
                Operand::Write | Operand::Read | Operand::ReadWrite | Operand::Constant => {
                    self.unsigned((field / SCALE) as u64);
                }
                Operand::Upvalue | Operand::Count => self.unsigned(field as u64),
                Operand::Immediate | Operand::Jump => self.signed(field as i16 as i64),
                Operand::WideConstant => self.unsigned((wide / SCALE as u32) as u64),
                Operand::WideImmediate | Operand::WideJump => self.signed(wide as i32 as i64),
                Operand::InnerFunction => self.unsigned(wide as u64),
            }
        }
    }

    fn constant(&mut self, constant: &Constant) {
        match constant {
            Constant::Nil => self.byte(tag::NIL),
            Constant::Boolean(false) => self.byte(tag::FALSE),
            Constant::Boolean(true) => self.byte(tag::TRUE),
            Constant::Integer(integer) => {
                self.byte(tag::INTEGER);
                self.signed(*integer);
            }
            Constant::Float(float) => {
                self.byte(tag::FLOAT);
                self.bytes.extend(float.to_bits().to_le_bytes());
            }
            Constant::String(string) => {
                self.byte(tag::STRING);
                self.string(Some(string));
            }
        }
    }

    fn debug_information(&mut self, proto: &Proto) {
        if self.strip {
            // No lines, no locals, no names of upvalues.
            self.bytes.extend([0, 0, 0]);
            return;
        }
        self.unsigned(proto.lines.runs.len() as u64);
        let mut previous = (0, 0);
        for &(pc, line) in &proto.lines.runs {
            self.unsigned((pc - previous.0) as u64);
            self.signed(line as i64 - previous.1 as i64);
            previous = (pc, line);
        }
        self.unsigned(proto.locals.len() as u64);
        for local in &proto.locals {
            self.string(Some(&local.name));
            self.unsigned(local.start_pc as u64);
            self.unsigned((local.end_pc - local.start_pc) as u64);
            self.byte(local.register);
            self.byte(local.is_cell as u8);
        }
        self.unsigned(proto.upvalues.len() as u64);
        for upvalue in &proto.upvalues {
            self.string(upvalue.name.as_deref());
        }
    }
}
