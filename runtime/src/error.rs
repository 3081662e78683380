//! Errors inside the engine: return values, never unwinding.
//!
//! A [`LuaError`] travels from where it is raised to the frame that catches it without reaching a
//! safepoint; a place that must run Lua in between (handlers, `__close`) stores its value on the
//! Lua stack first.

use crate::value::Value;

/// Why execution stopped.
#[derive(Clone, Copy, Debug)]
pub enum LuaError {
    /// An error with an error object, as `error` raises it.
    Runtime(Value),
    /// Memory limit reached or the allocator failed: "not enough memory".
    Memory,
    /// An error whose message handler has been called, with what that made of it; also one that
    /// no handler may hear of ("error in error handling").
    Handled(Value),
    /// An error that `pcall`, `__close` and coroutines let through (limits, termination).
    Uncatchable(Uncatchable),
}

/// Kinds of uncatchable errors.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Uncatchable {
    /// The embedder asked for termination.
    Interrupted,
    /// A coroutine is being killed by its closing state.
    Closed,
}

/// Result of what can raise a Lua error.
pub type Result<T> = std::result::Result<T, LuaError>;
