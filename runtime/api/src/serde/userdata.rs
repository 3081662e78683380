//! Userdata whose values serialize.
//!
//! Such a userdata has a description of its type that knows how ([`Contents::with_extra`]). As a Rust value it
//! serializes as what it holds; to be deserialized, it first becomes the Lua value of that.

use super::{LuaSerdeExt, ser};
use crate::handle::Handle;
use crate::userdata::Lease;
use crate::{
    AnyUserData, IntoLua, Lua, MaybeSend, MaybeSync, Result, UserData, UserDataRegistry, Value,
};
use ::serde::ser::{Error as _, Serialize, Serializer};
use perilune_runtime::userdata::{Contents, Userdata};
use std::marker::PhantomData;

/// A value that serializes, of any type.
type Erased = dyn erased_serde::Serialize;

struct Serializable<T>(PhantomData<T>);

impl<T: Serialize + 'static> Serializable<T> {
    const CONTENTS: &'static Contents = &Contents::with_extra::<T>(erase::<T>);
}

/// Stores a pointer to an [`Erased`] value.
///
/// # Safety
/// `value` points at a `T`, `erased` at a place for the pointer.
unsafe fn erase<T: Serialize + 'static>(value: *const (), erased: *mut ()) {
    let value: *const Erased = value.cast::<T>();
    // SAFETY: the caller's contract.
    unsafe { erased.cast::<Option<*const Erased>>().write(Some(value)) };
}

impl Lua {
    /// [`Lua::create_userdata`] for a value that serializes: so does the userdata then.
    ///
    /// ```
    /// use perilune::{Lua, LuaSerdeExt, UserData, Value};
    /// use serde::{Deserialize, Serialize};
    /// #[derive(Serialize, Deserialize, PartialEq, Debug)]
    /// struct Moon { name: String }
    /// impl UserData for Moon {}
    /// let lua = Lua::new();
    /// let moon = lua.create_ser_userdata(Moon { name: "Io".into() })?;
    /// assert_eq!(serde_json::to_string(&moon).expect("JSON"), r#"{"name":"Io"}"#);
    /// let copy: Moon = lua.from_value(Value::UserData(moon))?;
    /// assert_eq!(copy.name, "Io");
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Lua::create_userdata`].
    pub fn create_ser_userdata<T>(&self, data: T) -> Result<AnyUserData>
    where
        T: UserData + Serialize + MaybeSend + MaybeSync + 'static,
    {
        self.serializable_userdata(data, T::register)
    }

    /// [`Lua::create_any_userdata`], likewise.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let list = lua.create_ser_any_userdata(vec![1, 2, 3])?;
    /// assert_eq!(serde_json::to_string(&list).expect("JSON"), "[1,2,3]");
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// Memory.
    pub fn create_ser_any_userdata<T>(&self, data: T) -> Result<AnyUserData>
    where
        T: Serialize + MaybeSend + MaybeSync + 'static,
    {
        self.serializable_userdata(data, |_| {})
    }

    fn serializable_userdata<T: Serialize + 'static>(
        &self,
        data: T,
        register: impl FnOnce(&mut UserDataRegistry<T>),
    ) -> Result<AnyUserData> {
        let _entered = self.enter();
        let contents = Serializable::<T>::CONTENTS;
        let userdata = self.new_described_userdata(data, contents, register)?;
        Ok(AnyUserData(Handle::new(&self.state, userdata)))
    }
}

/// See [`AnyUserData::wrap_ser`].
struct Wrapped<T>(T);

impl<T: Serialize + MaybeSend + MaybeSync + 'static> IntoLua for Wrapped<T> {
    fn into_lua(self, lua: &Lua) -> Result<Value> {
        lua.create_ser_any_userdata(self.0).map(Value::UserData)
    }
}

impl AnyUserData {
    /// [`AnyUserData::wrap`] for a value that serializes: see [`Lua::create_ser_any_userdata`].
    ///
    /// ```
    /// use perilune::{AnyUserData, IntoLua, Lua};
    /// let lua = Lua::new();
    /// let pair = AnyUserData::wrap_ser((1, "one")).into_lua(&lua)?;
    /// assert_eq!(serde_json::to_string(&pair).expect("JSON"), r#"[1,"one"]"#);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn wrap_ser<T: Serialize + MaybeSend + MaybeSync + 'static>(data: T) -> impl IntoLua {
        Wrapped(data)
    }

    /// Whether the value is there and serializes.
    pub(super) fn is_serializable(&self) -> bool {
        self.with_raw(|raw| {
            // SAFETY: the handle keeps the userdata alive.
            unsafe { !(*raw).value.is_null() && (*raw).contents.extra().is_some() }
        })
        .unwrap_or(false)
    }

    /// What a value that serializes is as a Lua value, where the userdata is one.
    pub(super) fn serialized(&self) -> Result<Value> {
        let lua = Lua::of(&self.0.state)?;
        lua.to_value_with(self, ser::Options::new())
    }

    fn with_raw<R>(&self, f: impl FnOnce(*mut Userdata) -> R) -> Result<R> {
        let _lua = self.0.lua()?;
        Ok(f(self.0.raw().as_pointer()))
    }
}

/// As the value that it holds, if that was said to serialize ([`Lua::create_ser_userdata`]).
impl Serialize for AnyUserData {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        if !self.is_serializable() {
            return Err(S::Error::custom("cannot serialize <userdata>"));
        }
        let _lua = self.0.lua().map_err(S::Error::custom)?;
        let raw: *mut Userdata = self.0.raw().as_pointer();
        // SAFETY: the handle keeps the userdata alive, `_lua` the state, and the lease the value in place.
        // The description's extra is `erase`, which gets what it wants.
        unsafe {
            let _lease = Lease::shared(raw).map_err(S::Error::custom)?;
            let mut erased: Option<*const Erased> = None;
            if let Some(erase) = (*raw).contents.extra() {
                erase((*raw).value.cast_const().cast(), (&raw mut erased).cast());
            }
            match erased {
                Some(value) => erased_serde::serialize(&*value, serializer),
                None => Err(S::Error::custom("cannot serialize <userdata>")),
            }
        }
    }
}
