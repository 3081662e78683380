//! Shapes of tables (hidden classes).

/// The shape of an empty table without metatable.
pub const EMPTY_SHAPE: u32 = 1;

/// All shapes.
#[derive(Debug, Default)]
pub struct Shapes {}
