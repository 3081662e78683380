//! The library `string` (§6.4).

mod binary;
mod conversion;
mod matcher;
mod pattern;
