//! The embedding interface, by groups of behaviours.

#[path = "../common/mod.rs"]
mod common;

mod conversion;
mod error;
mod function;
mod scope;
mod limit;
mod table;
mod userdata;
