//! The bytecode: opcodes, instructions, prototypes, and what reads and writes them.

pub mod instruction;
pub mod liveness;
pub mod opcode;
pub mod proto;
