//! The interface of native (Rust) functions to the virtual machine.
//!
//! A native function runs in *steps*. Each step gets a [`Call`], reads its slots (arguments first,
//! numbered from 1 as in messages) and answers with an [`Action`]: return, or have the machine do
//! something that may run Lua code (a call, an index with metamethods, a resume) and run the
//! function again in the given state. What must survive from step to step lives in slots. So
//! natives never recurse into the interpreter, may be yielded through, and need no rooting: the
//! collector runs only between steps, and during a step (`'c`) no object dies.
//!
//! Invariants:
//! - A `Call` has at least [`MIN_SLOTS`] free slots above its arguments; `push` and
//!   `set_top` grow the stack as needed.
//! - [`Local`] and the reference types live at most as long as the step.

mod action;
mod arguments;
mod call;
mod code;
mod exit;
mod introspect;
mod library;
mod local;
mod memory;
mod poll;
mod site;
mod step;

pub use action::{Action, CALLERS_HANDLER, CallResult, RETRIED};
pub use call::Call;
pub use code::load_chunk;
pub use code::{ChunkMode, LoadError};
pub use introspect::{ActivationInfo, FunctionInfo, Level, Name};
pub use local::{FunctionRef, Local, LocalView, StringRef, TableRef, ThreadRef, UserdataRef};
pub(crate) use site::{close_error_site, native_site};
#[cfg(threaded)]
pub(crate) use step::after_step;
pub(crate) use step::{after_metamethod, run_step};
#[cfg(threaded)]
pub(crate) use step::{callee_flags, protect_call};

use crate::error::LuaError;

/// Slots that every native function finds free above its arguments (as `LUA_MINSTACK`).
pub const MIN_SLOTS: usize = 20;

/// What a step of a native function gives back.
pub type NativeResult = Result<Action, LuaError>;

/// One step of a native function.
pub type NativeFn = for<'a, 'c> fn(&'a mut Call<'c>) -> NativeResult;

pub use crate::function::NativeDescription;

/// A native function to be registered: its description and code.
#[derive(Clone, Copy, Debug)]
pub struct Native {
    /// Name and yieldability.
    pub description: &'static NativeDescription,
    /// The code.
    pub function: NativeFn,
}

/// Makes a [`Native`] constant: `native!("name", function)`, followed by any of the words
/// `yieldable` and `private_upvalues`, in this order, and by `intrinsic` and what the machine and its
/// traces know it as (see [`NativeDescription`]).
#[macro_export]
macro_rules! native {
    ($name:literal, $function:expr) => {
        $crate::native!(@describe $name, $function, false, false)
    };
    ($name:literal, $function:expr, yieldable) => {
        $crate::native!(@describe $name, $function, true, false)
    };
    ($name:literal, $function:expr, private_upvalues) => {
        $crate::native!(@describe $name, $function, false, true)
    };
    ($name:literal, $function:expr, yieldable, private_upvalues) => {
        $crate::native!(@describe $name, $function, true, true)
    };
    ($name:literal, $function:expr, yieldable, private_upvalues, intrinsic $intrinsic:ident) => {
        $crate::native!(@describe $name, $function, true, true,
            Some($crate::function::Intrinsic::$intrinsic))
    };
    ($name:literal, $function:expr, private_upvalues, intrinsic $intrinsic:ident) => {
        $crate::native!(@describe $name, $function, false, true,
            Some($crate::function::Intrinsic::$intrinsic))
    };
    ($name:literal, $function:expr, intrinsic $intrinsic:ident) => {
        $crate::native!(@describe $name, $function, false, false,
            Some($crate::function::Intrinsic::$intrinsic))
    };
    ($name:literal, $function:expr, yieldable, intrinsic $intrinsic:ident) => {
        $crate::native!(@describe $name, $function, true, false,
            Some($crate::function::Intrinsic::$intrinsic))
    };
    (@describe $name:literal, $function:expr, $yieldable:literal, $private_upvalues:literal) => {
        $crate::native!(@describe $name, $function, $yieldable, $private_upvalues, None)
    };
    (@describe $name:literal, $function:expr, $yieldable:literal, $private_upvalues:literal,
        $intrinsic:expr) => {
        $crate::native::Native {
            description: &$crate::native::NativeDescription {
                name: $name,
                yieldable: $yieldable,
                private_upvalues: $private_upvalues,
                intrinsic: $intrinsic,
            },
            function: $function,
        }
    };
}
