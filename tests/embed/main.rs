//! The embedding interface, by groups of behaviours.

#[path = "../common/mod.rs"]
mod common;

mod collect;
mod conversion;
mod error;
mod function;
mod limit;
mod state;
mod table;
