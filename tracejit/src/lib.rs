//! The meta-tracing compiler: records what the interpreter does, optimises and assembles it.

#![warn(missing_docs)]

pub mod abort;
pub mod backend;
pub mod engine;
pub mod ir;
pub mod opt;
pub mod options;
pub mod record;

pub use engine::Engine;
pub use options::Options;
