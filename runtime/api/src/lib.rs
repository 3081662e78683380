//! The embedding interface: a state and handles into it, under mlua's names.
//!
//! It is a crate of its own because `Lua::new` opens the libraries and installs the tracing compiler,
//! which the runtime does not know. Programs use it through the facade `perilune`, which re-exports all
//! of it.
//!
//! Invariants:
//! - A handle owns an index of `Vm::handles`; the value there is a root until the handle drops.
//! - A [`Lua`] and its handles share one state, which lives until the last of them is dropped.
//!   The state is not `Sync` and (without the `send` feature) not `Send`.
//! - Rust code may use handles only while no native step of the same state is on the Rust stack,
//!   except through the `Lua` that a callback is given.

mod bind;
mod callback;
mod chunk;
mod control;
mod convert;
pub mod debug;
mod error;
#[cfg(feature = "async")]
mod future;
mod handle;
mod hook;
mod interrupt;
mod limit;
mod multi;
mod options;
mod sandbox;
mod send;
mod setup;
mod signal;
mod state;
mod stdlib;
mod table;
mod testing;
pub mod thread;
mod value;

pub use chunk::{AsChunk, Chunk};
pub use convert::{FromLua, IntoLua};
#[doc(inline)]
pub use debug::HookTriggers;
#[cfg(feature = "async")]
pub use future::{AsyncCallFuture, AsyncThread};
pub use error::{Error, ErrorContext, ExternalError, ExternalResult, Raised, Result};
pub use handle::{Function, LuaString, Table, Thread, UserData};
pub use interrupt::VmState;
pub use multi::{FromLuaMulti, IntoLuaMulti, MultiValue, Variadic};
pub use options::{Options, UnknownMode};
pub use perilune_runtime::error::Limit;
pub use perilune_runtime::native::ChunkMode;
pub use sandbox::Capabilities;
pub use send::MaybeSend;
pub use signal::SignalInterrupt;
pub use state::{InterruptHandle, Lua};
pub use stdlib::{LuaOptions, StdLib};
pub use table::{TablePairs, TableSequence};
pub use thread::{ThreadEvent, ThreadStatus, ThreadTriggers};
pub use value::Value;
