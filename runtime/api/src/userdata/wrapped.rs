//! Types that have what another type has: shared pointers, and proxies.

use crate::stack::Stack;
use crate::{IntoLua, Lua, MaybeSend, MaybeSync, Result, UserData, UserDataRegistry, Value};
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, RwLock};
#[cfg(not(feature = "send"))]
use std::{cell::RefCell, rc::Rc};

/// What a proxy userdata holds: nothing; see [`Lua::create_proxy`].
pub(crate) struct Proxy<T>(PhantomData<fn() -> T>);

impl<T> Proxy<T> {
    pub(super) fn new() -> Proxy<T> {
        Proxy(PhantomData)
    }
}

macro_rules! has_what_it_points_at {
    ($($(#[$attribute:meta])* $pointer:ty;)*) => {$(
        $(#[$attribute])*
        impl<T: UserData + 'static> UserData for $pointer {
            fn register(registry: &mut UserDataRegistry<Self>) {
                registry.extend_from::<T>();
            }
        }
    )*};
}
has_what_it_points_at! {
    #[cfg(not(feature = "send"))]
    Rc<T>;
    #[cfg(not(feature = "send"))]
    Rc<RefCell<T>>;
    Arc<T>;
    Arc<Mutex<T>>;
    Arc<RwLock<T>>;
    #[cfg(feature = "userdata-wrappers")]
    Arc<parking_lot::Mutex<T>>;
    #[cfg(feature = "userdata-wrappers")]
    Arc<parking_lot::RwLock<T>>;
}

/// A userdata of the value.
impl<T: UserData + MaybeSend + MaybeSync + 'static> IntoLua for T {
    fn into_lua(self, lua: &Lua) -> Result<Value> {
        lua.create_userdata(self).map(Value::UserData)
    }

    #[inline]
    fn push_into_stack(self, stack: &mut Stack<'_>) -> Result<()> {
        // The type may be about to be registered, which runs its code.
        stack.publish();
        let userdata = stack.lua().new_userdata_of(self, T::register)?;
        stack.push_raw(userdata)
    }
}
