//! The 64-bit instruction word: op 8 bits, flags 8, A 16, B 16, C 16 (little end first).
//!
//! Registers and constants are stored as byte offsets (index x 16), so that the interpreter adds
//! them to a base pointer as they are.

use super::opcode::{Opcode, Operand};

/// Bytes of a register or constant: the scale of register and constant operands.
pub const SCALE: u16 = 16;
/// Flag bit: the operands were swapped (the constant stood on the left), for metamethods and
/// error messages of commutative operations with a constant.
pub const FLAG_SWAPPED: u8 = 1;
/// Flag bit: the immediate operand of an order comparison stands for a float, which metamethods
/// get (`x < 4.0`); to numbers it makes no difference.
pub const FLAG_FLOAT: u8 = 2;
/// Flag bit of a conditional jump: in PUC Lua control jumps both ways, past a `goto` too.
pub const FLAG_PASSES_GOTO: u8 = 4;
/// Flag bit of a conditional jump: PUC Lua jumps where this does not, and the other way round.
pub const FLAG_INVERSE: u8 = 8;
/// Flag bit of a `GetCell` or `SetCell`: PUC Lua has no such instruction, but uses the variable's
/// register in others.
pub const FLAG_HIDDEN: u8 = 1;
/// Flags of a `Jump`: it stands for the test of a constant, which no other jump passes by.
pub const JUMP_TEST: u8 = 1;
/// Flags of a `Jump`: it stands for an instruction that does not jump.
pub const JUMP_STEP: u8 = 2;
/// Flags of a `Jump`: it is what a conditional jump over nothing jumps over, so that the two ways
/// can be told apart.
pub const JUMP_NOTHING: u8 = 3;
/// The most constants that a 16-bit scaled operand reaches.
pub const MAX_SHORT_CONSTANTS: usize = 4096;

/// The longest string that may be the key of a field instruction (`GetField`, `Method`, ...): the
/// length up to which the runtime interns strings, so that keys compare by identity.
pub const MAX_FIELD_KEY: usize = 40;

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
    /// The register in field A.
    pub const fn register_a(self) -> usize {
        (self.a() / SCALE) as usize
    }
    /// The register in field B.
    pub const fn register_b(self) -> usize {
        (self.b() / SCALE) as usize
    }
    /// The register in field C.
    pub const fn register_c(self) -> usize {
        (self.c() / SCALE) as usize
    }
    /// How many words the instruction has; 1 for a byte that is no opcode.
    pub fn length(self) -> usize {
        1 + self.opcode().map_or(0, Opcode::extra_words)
    }
    /// The distance that the instruction, if it jumps, adds to the position after its first word.
    pub fn jump_distance(self) -> Option<i64> {
        let [_, b, c] = self.opcode()?.operands();
        match (b, c) {
            (Operand::WideJump, _) => Some(self.bc() as i32 as i64),
            (_, Operand::Jump) => Some(self.c() as i16 as i64),
            _ => None,
        }
    }
}
