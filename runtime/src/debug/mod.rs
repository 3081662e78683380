//! What the machine can tell about running code: names for error messages, information about
//! functions and activations, tracebacks, access to locals and upvalues.
//!
//! Invariants:
//! - Nothing in here runs Lua code or reaches a safepoint; the only state that changes is what
//!   `set_local`, `set_upvalue` and `join_upvalues` are asked to change.
//! - Names come from debug information and from reading bytecode backwards; both may be missing
//!   (stripped chunks), and then there is simply no name.
//! - All functions need the saved state of the running thread to be up to date (see `vm.rs`).

pub mod errors;
pub mod info;
pub mod locals;
pub mod names;
pub mod traceback;

#[cfg(test)]
mod tests;

pub use errors::{
    argument_error, arithmetic_error, call_error, close_error, compare_error, concat_error,
    for_error, index_error, integer_error, operand_error, type_name,
};
pub use names::Name;
pub use traceback::{global_function_name, traceback};
