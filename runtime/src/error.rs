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
    /// A limit that was reached, and that lets nothing of the program go on: `pcall`, coroutines,
    /// message handlers, `__close` and finalisers neither catch it nor hear of it.
    Uncatchable(Limit),
}

/// What limits a program.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Limit {
    /// The number of instructions (`limit.rs`).
    Fuel,
    /// A point in time.
    Deadline,
    /// The bytes in use.
    Memory,
    /// The embedder's word, asked for at an interruption.
    Interrupt,
}

impl Limit {
    /// What the message of a catchable error says.
    pub fn text(self) -> &'static str {
        match self {
            Limit::Fuel => "out of fuel",
            Limit::Deadline => "deadline passed",
            Limit::Memory => "not enough memory",
            Limit::Interrupt => "interrupted!",
        }
    }
}

/// Result of what can raise a Lua error.
pub type Result<T> = std::result::Result<T, LuaError>;
