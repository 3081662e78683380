//! Perilune: Lua 5.4 in Rust.
//!
//! The facade: the only interface that is kept stable. It re-exports the embedding interface.

#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod program;

#[doc(inline)]
pub use perilune_api::*;

/// The README's example is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
