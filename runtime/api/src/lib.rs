//! The embedding interface: a state and handles into it, under mlua's names.
//!
//! It is a crate of its own because `Lua::new` opens the libraries and installs the tracing compiler,
//! which the runtime does not know. Programs use it through the facade `perilune`, which re-exports all
//! of it.
//!
//! Invariants:
//! - A handle owns an index of `Vm::handles`; the value there is a root until the handle drops.
//! - A [`Lua`] and its handles share one state, which lives until the last of them is dropped.
//!   Only with the feature `send` may several threads have them; they use the state one at a time
//!   (`lock.rs`).
//! - Rust code may use handles only while no native step of the same state is on the Rust stack,
//!   except through the `Lua` that a callback is given.

#[cfg(feature = "macros")]
#[doc(hidden)]
#[path = "macros.rs"]
pub mod __private;
mod app_data;
mod bind;
mod callback;
mod control;
mod convert;
mod failure;
#[cfg(feature = "async")]
mod future;
mod handle;
mod hook;
mod interrupt;
mod limit;
mod lock;
mod memory;
mod multi;
mod names;
mod native_fn;
mod object_like;
mod options;
mod path;
mod registry;
mod sandbox;
mod send;
mod setup;
mod signal;
mod stack;
mod stdlib;
mod testing;
mod type_metatable;
mod types;
mod warning;
mod weak;

pub mod chunk;
pub mod debug;
pub mod error;
pub mod function;
pub mod prelude;
pub mod scope;
#[cfg(feature = "serde")]
pub mod serde;
pub mod state;
pub mod string;
pub mod table;
pub mod thread;
pub mod userdata;
pub mod value;

pub use app_data::{AppDataRef, AppDataRefMut};
pub use bstr::BString;
pub use convert::{FromLua, IntoLua};
#[doc(inline)]
pub use debug::HookTriggers;
pub use error::{Error, Raised, Result};
#[cfg(feature = "async")]
pub use future::{AsyncCallFuture, AsyncThread};
pub use handle::{AnyUserData, Function, LuaString, Table, Thread};
pub use interrupt::VmState;
pub use multi::{FromLuaMulti, IntoLuaMulti, MultiValue, Variadic};
pub use object_like::ObjectLike;
pub use options::{Options, UnknownMode};
#[cfg(feature = "macros")]
#[doc(inline)]
pub use perilune_derive::{FromLua, UserData, userdata_impl};
pub use perilune_runtime::error::Limit;
pub use registry::RegistryKey;
pub use sandbox::Capabilities;
pub use send::{MaybeSend, MaybeSync};
#[cfg(feature = "serde")]
pub use serde::{LuaSerdeExt, SerializableValue};
pub use signal::SignalInterrupt;
pub use state::{InterruptHandle, Lua};
pub use stdlib::{LuaOptions, StdLib};
pub use string::{BorrowedBytes, BorrowedStr};
pub use type_metatable::LuaType;
pub use types::{Either, Integer, LightUserData, Number};
pub use userdata::{
    MetaMethod, UserData, UserDataFields, UserDataMetatable, UserDataMethods, UserDataOwned,
    UserDataRef, UserDataRefMut, UserDataRegistry,
};
pub use value::{Nil, Value};
pub use weak::WeakLua;

// Also here, as programs for mlua find them here.
#[doc(hidden)]
pub use chunk::{AsChunk, Chunk, ChunkMode};
#[doc(hidden)]
pub use error::{ErrorContext, ExternalError, ExternalResult};
#[doc(hidden)]
pub use scope::Scope;
#[doc(hidden)]
#[cfg(feature = "serde")]
pub use serde::{DeserializeOptions, SerializeOptions};
#[doc(hidden)]
pub use stack::{Slot, Slots, Stack};
#[doc(hidden)]
pub use table::{TablePairs, TableSequence};
#[doc(hidden)]
pub use thread::{ThreadEvent, ThreadStatus, ThreadTriggers};
#[doc(hidden)]
pub use userdata::UserDataMetatablePairs;
