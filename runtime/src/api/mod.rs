//! The embedding interface: a state and handles into it, under mlua's names.
//!
//! Invariants:
//! - A handle owns an index of `Vm::handles`; the value there is a root until the handle drops.
//! - A [`Lua`] and its handles share one state, which lives until the last of them is dropped.
//!   The state is not `Sync` and (without the `send` feature) not `Send`.
//! - Rust code may use handles only while no native step of the same state is on the Rust stack,
//!   except through the `Lua` that a callback is given.

mod callback;
mod chunk;
mod convert;
mod error;
mod handle;
mod multi;
pub(crate) mod signal;
mod state;
mod table;
mod testing;
mod value;

pub use chunk::{AsChunk, Chunk};
pub use convert::{FromLua, IntoLua};
pub use error::{Error, ErrorContext, ExternalError, ExternalResult, Raised, Result};
pub use handle::{Function, LuaString, Table, Thread, UserData};
pub use multi::{FromLuaMulti, IntoLuaMulti, MultiValue, Variadic};
pub use signal::SignalInterrupt;
pub use state::{InterruptHandle, Lua};
pub use table::{TablePairs, TableSequence};
pub use value::Value;

use crate::vm::Vm;

/// Emits a warning through the state's warning function.
pub(crate) fn warn(vm: *mut Vm, message: &[u8], to_continue: bool) {
    // SAFETY: vm is live; the function is taken out while it runs, so that it can't be replaced
    // under its own feet.
    unsafe {
        if let Some(mut warn) = (*vm).warn.take() {
            warn(message, to_continue);
            if (*vm).warn.is_none() {
                (*vm).warn = Some(warn);
            }
        }
    }
}

/// Keeps the traceback of an error that will leave `run`, while its frames are still there.
///
/// # Safety
/// The saved state is up to date.
pub(crate) unsafe fn note_traceback(vm: *mut Vm) {
    // SAFETY: the caller's contract.
    unsafe {
        if (*vm).run_depth == 1 && (*vm).wants_traceback {
            (*vm).traceback = Some(crate::debug::traceback::traceback(
                vm,
                (*vm).thread,
                None,
                0,
            ));
        }
    }
}
