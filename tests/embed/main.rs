//! The embedding interface, by groups of behaviours.

#[path = "../common/mod.rs"]
mod common;

mod collect;
mod conversion;
mod error;
mod function;
#[cfg(feature = "async")]
mod future;
mod hook;
mod hostile;
mod interrupt;
mod limit;
mod sandbox;
mod state;
mod table;
mod thread;
