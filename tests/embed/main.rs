//! The embedding interface, by groups of behaviours.

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
mod registry;
mod sandbox;
mod scope;
#[cfg(feature = "serde")]
mod serde;
mod state;
mod table;
mod thread;
mod userdata;
mod userdata_life;
mod value;
