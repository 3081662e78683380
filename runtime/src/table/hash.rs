//! The hash part of a table.

/// The hash part of a table.
pub struct HashPart {}
