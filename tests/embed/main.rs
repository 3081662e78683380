//! The embedding interface, by groups of behaviours.

#[path = "../common/mod.rs"]
mod common;

mod collect;
mod conversion;
mod error;
mod function;
#[cfg(feature = "async")]
mod future;
mod general;
mod hook;
mod hostile;
mod interrupt;
mod limit;
mod registry;
mod sandbox;
#[cfg(feature = "serde")]
mod serde;
mod state;
mod table;
mod thread;
mod value;
