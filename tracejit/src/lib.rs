//! The meta-tracing compiler: records what the interpreter does, optimises and assembles it.

#![warn(missing_docs)]

pub mod abort;
pub mod ir;
pub mod record;
