//! The embedding interface, by groups of behaviours.

#[path = "../common/mod.rs"]
mod common;

mod conversion;
mod error;
mod function;
mod hook;
mod interrupt;
mod limit;
mod scope;
mod state;
mod table;
mod thread;
mod userdata;
