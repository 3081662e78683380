//! The memory limit against resident memory: programs that fill a state, and how they are measured.

pub(crate) mod measure;
pub(crate) mod patterns;
