//! Values of Rust types in Lua: what they can do, and handles and references to them.

mod any;
#[cfg(feature = "async")]
mod asynchronous;
mod borrow;
mod class;
mod field;
mod meta_method;
mod metatable;
mod method;
mod name;
mod reference;
mod registry;
mod traits;
mod wrapped;

pub use crate::handle::AnyUserData;
#[cfg(feature = "serde")]
pub(crate) use borrow::Lease;
pub(crate) use borrow::OnlyUserdata;
pub(crate) use class::Classes;
pub use field::{Field, PlainValue};
pub use meta_method::MetaMethod;
pub use metatable::{UserDataMetatable, UserDataMetatablePairs};
pub(crate) use method::{lend, take_back};
pub(crate) use name::{full_name, short_type_name};
pub use reference::{UserDataOwned, UserDataRef, UserDataRefMut};
pub use registry::UserDataRegistry;
pub use traits::{UserData, UserDataFields, UserDataMethods};
use wrapped::Proxy;
