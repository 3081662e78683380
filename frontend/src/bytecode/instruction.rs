//! The 64-bit instruction word: op 8 bits, flags 8, A 16, B 16, C 16 (little end first).
//!
//! Registers and constants are stored as byte offsets (index x 16), so that the interpreter adds
//! them to a base pointer as they are.

use super::opcode::Opcode;

/// Bytes of a register or constant: the scale of register and constant operands.
pub const SCALE: u16 = 16;
/// Flag bit: the operands were swapped (the constant stood on the left), for metamethods and
/// error messages of commutative operations with a constant.
pub const FLAG_SWAPPED: u8 = 1;
/// The most constants that a 16-bit scaled operand reaches.
pub const MAX_SHORT_CONSTANTS: usize = 4096;

/// A register number (not scaled).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct Register(pub u8);

/// The first word of an instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct Instruction(pub u64);

impl Instruction {
    /// An instruction from raw fields (registers and constants already scaled).
    pub const fn new(op: Opcode, a: u16, b: u16, c: u16) -> Self {
        Self(op as u64 | (a as u64) << 16 | (b as u64) << 32 | (c as u64) << 48)
    }
    /// An instruction with one 32-bit field in place of B and C.
    pub const fn wide(op: Opcode, a: u16, bc: u32) -> Self {
        Self(op as u64 | (a as u64) << 16 | (bc as u64) << 32)
    }
    /// The same instruction with `flags`.
    pub const fn with_flags(self, flags: u8) -> Self {
        Self(self.0 & !0xff00 | (flags as u64) << 8)
    }
    /// The opcode byte.
    pub const fn op_byte(self) -> u8 {
        self.0 as u8
    }
    /// The opcode; `None` for a byte that is no opcode.
    pub fn opcode(self) -> Option<Opcode> {
        Opcode::from_byte(self.op_byte())
    }
    /// The flags.
    pub const fn flags(self) -> u8 {
        (self.0 >> 8) as u8
    }
    /// Field A as stored.
    pub const fn a(self) -> u16 {
        (self.0 >> 16) as u16
    }
    /// Field B as stored.
    pub const fn b(self) -> u16 {
        (self.0 >> 32) as u16
    }
    /// Field C as stored.
    pub const fn c(self) -> u16 {
        (self.0 >> 48) as u16
    }
    /// Fields B and C as one.
    pub const fn bc(self) -> u32 {
        (self.0 >> 32) as u32
    }
}
