//! The embedding interface, by groups of behaviours.
//!
//! Programs may forbid unsafe code: what our macros expand to does not offend that.

#![forbid(unsafe_code)]

#[path = "../common/mod.rs"]
mod common;

mod collect;
mod conversion;
#[cfg(feature = "macros")]
mod derive;
mod error;
mod function;
#[cfg(feature = "async")]
mod future;
#[cfg(feature = "async")]
mod future_userdata;
mod general;
mod hook;
mod hostile;
mod interrupt;
mod limit;
mod members;
mod memory;
mod operators;
mod places;
mod registry;
mod sandbox;
mod scope;
#[cfg(feature = "serde")]
mod serde;
mod shared;
mod state;
mod table;
mod thread;
mod userdata;
mod userdata_life;
mod value;
