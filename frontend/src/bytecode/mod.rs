//! The bytecode: opcodes, instructions, prototypes, and what reads and writes them.

pub mod dump;
pub mod effects;
pub mod instruction;
pub mod list;
pub mod liveness;
pub mod opcode;
pub mod proto;
pub mod undump;
pub mod verify;

#[cfg(test)]
mod tests;
