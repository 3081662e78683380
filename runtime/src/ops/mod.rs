//! What opcodes mean, written once over `Machine`.

pub mod cache;
