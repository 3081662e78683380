//! Handles to userdata of any type.

use super::borrow::Target;
use super::reference::{UserDataRef, UserDataRefMut};
use super::{Proxy, UserDataMetatable};
use crate::handle::Handle;
use crate::state::Owner;
use crate::{
    AnyUserData, Error, FromLua, Function, IntoLua, Lua, LuaString, MaybeSend, MaybeSync,
    MetaMethod, Result, Table, Value,
};
use perilune_runtime::native::Local;
use perilune_runtime::table::Table as RawTable;
use perilune_runtime::userdata::finalize::destroy;
use perilune_runtime::userdata::{Access, Userdata};
use perilune_runtime::value as raw;
use std::any::TypeId;
use std::ffi::c_void;

/// The most user values that can be numbered.
const MAX_USER_VALUES: usize = u16::MAX as usize;

impl AnyUserData {
    /// The userdata, which lives as long as the handle and the state do, and the state.
    ///
    /// # Errors
    /// The state is gone.
    pub(super) fn userdata(&self) -> Result<(*mut Userdata, Owner<'_>)> {
        let lua = self.0.lua()?;
        Ok((self.0.raw().as_pointer(), lua))
    }

    /// Likewise, if its value is there.
    fn alive(&self) -> Result<(*mut Userdata, Owner<'_>)> {
        let (userdata, lua) = self.userdata()?;
        // SAFETY: the handle keeps the userdata alive.
        if unsafe { (*userdata).value.is_null() } {
            return Err(Error::UserDataDestructed);
        }
        Ok((userdata, lua))
    }

    /// Whether the value is a `T`; not so for one that is gone, or that is lent within a scope without
    /// a type's name.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let userdata = lua.create_any_userdata("text".to_owned())?;
    /// assert!(userdata.is::<String>() && !userdata.is::<Vec<u8>>());
    /// userdata.destroy()?;
    /// assert!(!userdata.is::<String>());
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn is<T: 'static>(&self) -> bool {
        self.type_id() == Some(TypeId::of::<T>())
    }

    /// Whether it is a proxy for `T`; see [`Lua::create_proxy`].
    ///
    /// ```
    /// use perilune::{Lua, UserData};
    /// struct Point;
    /// impl UserData for Point {}
    /// let lua = Lua::new();
    /// assert!(lua.create_proxy::<Point>()?.is_proxy::<Point>());
    /// assert!(!lua.create_userdata(Point)?.is_proxy::<Point>());
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn is_proxy<T: 'static>(&self) -> bool {
        self.is::<Proxy<T>>()
    }

    /// The type of the value; `None` when that is gone, or need not live for ever.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let userdata = lua.create_any_userdata(1_u8)?;
    /// assert_eq!(userdata.type_id(), Some(std::any::TypeId::of::<u8>()));
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn type_id(&self) -> Option<TypeId> {
        let (userdata, _lua) = self.alive().ok()?;
        // SAFETY: the handle keeps the userdata alive.
        unsafe { (*userdata).contents.type_id() }
    }

    /// Borrows the value, or what a shared pointer (`Rc`, `Arc`, `Rc<RefCell>`) in the userdata points
    /// at.
    ///
    /// ```
    /// use perilune::Error;
    /// let lua = perilune::Lua::new();
    /// let userdata = lua.create_any_userdata("text".to_owned())?;
    /// let text = userdata.borrow::<String>()?;
    /// assert_eq!(text.len(), 4);
    /// assert!(matches!(userdata.borrow_mut::<String>(), Err(Error::UserDataBorrowMutError)));
    /// assert!(matches!(userdata.borrow::<u8>(), Err(Error::UserDataTypeMismatch)));
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::UserDataBorrowError`] when it is borrowed mutably, [`Error::UserDataTypeMismatch`] when
    /// it is no `T` or belongs to a scope, [`Error::UserDataDestructed`] when it is gone.
    pub fn borrow<T: 'static>(&self) -> Result<UserDataRef<T>> {
        UserDataRef::new(self)
    }

    /// Borrows the value for the time of a call of `f`; also one that belongs to a scope.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let text = "a text".to_owned();
    /// lua.scope(|scope| {
    ///     let userdata = scope.create_any_userdata_ref(&text)?;
    ///     assert_eq!(userdata.borrow_scoped::<String, _>(|text| text.len())?, 6);
    ///     assert!(userdata.borrow_mut_scoped::<String, _>(String::clear).is_err());
    ///     Ok(())
    /// })?;
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`AnyUserData::borrow`].
    pub fn borrow_scoped<T: 'static, R>(&self, f: impl FnOnce(&T) -> R) -> Result<R> {
        let (userdata, _lua) = self.userdata()?;
        // SAFETY: the handle keeps the userdata alive, and `_lua` the state.
        unsafe { Target::of::<T>().share(userdata, f) }
    }

    /// Borrows the value mutably.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let userdata = lua.create_any_userdata("ab".to_owned())?;
    /// userdata.borrow_mut::<String>()?.push('c');
    /// assert_eq!(*userdata.borrow::<String>()?, "abc");
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::UserDataBorrowMutError`] when it is borrowed, or shared; else as
    /// [`AnyUserData::borrow`].
    pub fn borrow_mut<T: 'static>(&self) -> Result<UserDataRefMut<T>> {
        UserDataRefMut::new(self)
    }

    /// Borrows the value mutably for the time of a call of `f`; also one that belongs to a scope.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let userdata = lua.create_any_userdata(vec![1, 2])?;
    /// assert_eq!(userdata.borrow_mut_scoped(|list: &mut Vec<i32>| list.pop())?, Some(2));
    /// assert_eq!(userdata.borrow::<Vec<i32>>()?.len(), 1);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`AnyUserData::borrow_mut`].
    pub fn borrow_mut_scoped<T: 'static, R>(&self, f: impl FnOnce(&mut T) -> R) -> Result<R> {
        let (userdata, _lua) = self.userdata()?;
        // SAFETY: the handle keeps the userdata alive, and `_lua` the state.
        unsafe { Target::of::<T>().exclude(userdata, f) }
    }

    /// Takes the value out. From here on the userdata is destructed: whatever Lua code does with it
    /// raises [`Error::UserDataDestructed`]. User values stay.
    ///
    /// ```
    /// use perilune::Error;
    /// let lua = perilune::Lua::new();
    /// let userdata = lua.create_any_userdata("text".to_owned())?;
    /// assert_eq!(userdata.take::<String>()?, "text");
    /// assert!(matches!(userdata.take::<String>(), Err(Error::UserDataDestructed)));
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::UserDataBorrowMutError`] when it is borrowed, [`Error::UserDataTypeMismatch`] when it is
    /// no `T` or belongs to a scope, [`Error::UserDataDestructed`] when it is gone.
    pub fn take<T: 'static>(&self) -> Result<T> {
        let (userdata, lua) = self.alive()?;
        if !self.is::<T>() {
            return Err(Error::UserDataTypeMismatch);
        }
        // SAFETY: the handle keeps the userdata alive; a value of this type that is not in use is
        // taken.
        unsafe {
            if (*userdata).uses != 0 || (*userdata).access != Access::Owned {
                return Err(Error::UserDataBorrowMutError);
            }
            let destructed = lua.destructed_metatable()?;
            let taken = Userdata::take(userdata).ok_or(Error::UserDataTypeMismatch)?;
            self.set_metatable(destructed);
            Ok(taken.into_inner::<T>())
        }
    }

    /// Destructs the userdata: drops its value, or leaves that to the last [`UserDataRef`] to it.
    ///
    /// ```
    /// use perilune::Error;
    /// let lua = perilune::Lua::new();
    /// let buffer = lua.create_any_userdata(vec![0_u8; 1 << 20])?;
    /// buffer.destroy()?; // frees it now, whatever in Lua still refers to it
    /// assert!(matches!(buffer.destroy(), Err(Error::UserDataDestructed)));
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::UserDataBorrowMutError`] within a call that has borrowed it, or when it belongs to a
    /// scope; [`Error::UserDataDestructed`] when that has happened already.
    pub fn destroy(&self) -> Result<()> {
        let (userdata, lua) = self.alive()?;
        // SAFETY: the handle keeps the userdata alive.
        unsafe {
            if (*userdata).access != Access::Owned {
                return Err(Error::UserDataBorrowMutError);
            }
            let destructed = lua.destructed_metatable()?;
            let value = destroy(userdata).ok_or(Error::UserDataBorrowMutError)?;
            self.set_metatable(destructed);
            drop(value);
        }
        Ok(())
    }

    /// Sets the metatable, which has no finaliser.
    ///
    /// # Safety
    /// The metatable is live, and the state open.
    pub(crate) unsafe fn set_metatable(&self, metatable: *mut RawTable) {
        // SAFETY: the caller's contract; the barrier follows the store.
        unsafe {
            let userdata: *mut Userdata = self.0.raw().as_pointer();
            (*userdata).metatable = metatable;
            let heap = &mut (*self.0.state.vm()).heap;
            heap.barrier_forward(&raw mut (*userdata).header, raw::Value::table(metatable));
        }
    }

    /// Sets user value 1.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let userdata = lua.create_any_userdata(())?;
    /// userdata.set_user_value("kept with it")?;
    /// assert_eq!(userdata.user_value::<String>()?, "kept with it");
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// Memory, or what the conversion says.
    pub fn set_user_value(&self, v: impl IntoLua) -> Result<()> {
        self.set_nth_user_value(1, v)
    }

    /// User value 1; nil when there is none.
    ///
    /// # Errors
    /// What the conversion says.
    pub fn user_value<V: FromLua>(&self) -> Result<V> {
        self.nth_user_value(1)
    }

    /// Sets user value `n`, from 1 up to 65535. It lives as long as the userdata, whose value may be
    /// gone.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let userdata = lua.create_any_userdata(())?;
    /// userdata.set_nth_user_value(2, 7)?;
    /// assert_eq!(userdata.nth_user_value::<i64>(2)?, 7);
    /// assert!(userdata.nth_user_value::<perilune::Value>(3)?.is_nil());
    /// assert!(userdata.set_nth_user_value(0, 7).is_err());
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// `n` is out of range; memory, or what the conversion says.
    pub fn set_nth_user_value(&self, n: usize, v: impl IntoLua) -> Result<()> {
        check_user_value_index(n)?;
        let v = v.into_lua(&*self.0.lua()?)?;
        self.user_values(true)?
            .map_or(Ok(()), |values| values.raw_set(n, v))
    }

    /// User value `n`; nil when there is none.
    ///
    /// # Errors
    /// `n` is out of range, or what the conversion says.
    pub fn nth_user_value<V: FromLua>(&self, n: usize) -> Result<V> {
        check_user_value_index(n)?;
        match self.user_values(false)? {
            Some(values) => values.raw_get(n),
            None => V::from_lua(Value::Nil, &*self.0.lua()?),
        }
    }

    /// Sets the user value called `name`.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let userdata = lua.create_any_userdata(())?;
    /// userdata.set_named_user_value("owner", lua.globals())?;
    /// assert_eq!(userdata.named_user_value::<perilune::Table>("owner")?, lua.globals());
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// Memory, or what the conversion says.
    pub fn set_named_user_value(&self, name: &str, v: impl IntoLua) -> Result<()> {
        let v = v.into_lua(&*self.0.lua()?)?;
        self.user_values(true)?
            .map_or(Ok(()), |values| values.raw_set(name, v))
    }

    /// The user value called `name`; nil when there is none.
    ///
    /// # Errors
    /// What the conversion says.
    pub fn named_user_value<V: FromLua>(&self, name: &str) -> Result<V> {
        match self.user_values(false)? {
            Some(values) => values.raw_get(name),
            None => V::from_lua(Value::Nil, &*self.0.lua()?),
        }
    }

    /// The table of user values: the userdata's only user value as the machine has it.
    fn user_values(&self, make: bool) -> Result<Option<Table>> {
        let (userdata, lua) = self.userdata()?;
        // SAFETY: the handle keeps the userdata alive.
        let value = unsafe { (&(*userdata).user_values).first().copied() };
        if let Some(table) = value.and_then(raw::Value::to_table) {
            let table = raw::Value::table(table);
            return Ok(Some(Table(Handle::new(&self.0.state, table))));
        }
        if !make {
            return Ok(None);
        }
        let table = lua.create_table()?;
        // SAFETY: both are live; the barrier follows the store.
        unsafe {
            let (heap, value) = (&mut (*lua.vm()).heap, table.0.raw());
            heap.set_only_user_value(userdata, value)
                .map_err(|_| Error::memory())?;
        }
        Ok(Some(table))
    }

    /// The metatable.
    ///
    /// ```
    /// use perilune::MetaMethod;
    /// let lua = perilune::Lua::new();
    /// let userdata = lua.create_any_userdata(())?;
    /// assert!(!userdata.metatable()?.contains(MetaMethod::Call)?);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::UserDataDestructed`] when the value is gone; [`Error::UserDataTypeMismatch`] for a
    /// userdata of the libraries (a file) without one.
    pub fn metatable(&self) -> Result<UserDataMetatable> {
        self.raw_metatable().map(UserDataMetatable)
    }

    fn raw_metatable(&self) -> Result<Table> {
        let (userdata, _lua) = self.alive()?;
        // SAFETY: the handle keeps the userdata alive, and that its metatable.
        let metatable = unsafe { (*userdata).metatable };
        if metatable.is_null() {
            return Err(Error::UserDataTypeMismatch);
        }
        let metatable = raw::Value::table(metatable);
        Ok(Table(Handle::new(&self.0.state, metatable)))
    }

    /// The userdata's address, for hashing and messages; null when the state is gone.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let (a, b) = (lua.create_any_userdata(1)?, lua.create_any_userdata(1)?);
    /// assert_eq!(a.to_pointer(), a.clone().to_pointer());
    /// assert_ne!(a.to_pointer(), b.to_pointer());
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn to_pointer(&self) -> *const c_void {
        self.0.to_pointer()
    }

    /// The name of its type as messages have it: `__name` of the metatable, if that is a string, else
    /// "userdata".
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let userdata = lua.create_any_userdata("text".to_owned())?;
    /// assert_eq!(userdata.type_name()?.to_bytes(), b"String");
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::UserDataDestructed`] when the value is gone; memory.
    pub fn type_name(&self) -> Result<LuaString> {
        let (_, lua) = self.alive()?;
        let mut name = raw::Value::NIL;
        lua.with_call(|call| {
            // SAFETY: the handle keeps the userdata alive.
            let this = unsafe { Local::from_raw(self.0.raw()) };
            name = call.metafield(this, MetaMethod::Type.name()).raw();
            Ok(())
        })?;
        match Value::from_raw(&self.0.state, name) {
            Value::String(name) => Ok(name),
            _ => lua.create_string("userdata"),
        }
    }

    /// Whether they are the same userdata, or of one metatable whose `__eq` says that they are equal.
    ///
    /// ```
    /// use perilune::{MetaMethod, UserData, UserDataMethods, UserDataRef};
    /// struct Id(u32);
    /// impl UserData for Id {
    ///     fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
    ///         methods.add_meta_method(MetaMethod::Eq, |_, this, other: UserDataRef<Id>| Ok(this.0 == other.0));
    ///     }
    /// }
    /// let lua = perilune::Lua::new();
    /// let (a, b) = (lua.create_userdata(Id(1))?, lua.create_userdata(Id(1))?);
    /// assert!(a.equals(&b)? && a != b);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// What `__eq` raises; [`Error::UserDataDestructed`] when a value is gone.
    pub fn equals(&self, other: &AnyUserData) -> Result<bool> {
        if self == other {
            return Ok(true);
        }
        let _lua = self.0.lua()?;
        let (metatable, of_other) = (self.raw_metatable()?, other.raw_metatable()?);
        if metatable.0.raw().payload != of_other.0.raw().payload {
            return Ok(false);
        }
        match metatable.raw_get::<Option<Function>>(MetaMethod::Eq.name())? {
            Some(function) => function.call((self, other)),
            None => Ok(false),
        }
    }

    /// A value of any type as something that becomes a userdata: see [`Lua::create_any_userdata`].
    ///
    /// ```
    /// use perilune::AnyUserData;
    /// let lua = perilune::Lua::new();
    /// lua.globals().set("list", AnyUserData::wrap(vec![1, 2]))?;
    /// assert!(lua.globals().get::<AnyUserData>("list")?.is::<Vec<i32>>());
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn wrap<T: MaybeSend + MaybeSync + 'static>(data: T) -> impl IntoLua {
        Wrapped(data)
    }
}

fn check_user_value_index(n: usize) -> Result<()> {
    if (1..=MAX_USER_VALUES).contains(&n) {
        Ok(())
    } else {
        Err(Error::runtime("user value index out of bounds"))
    }
}

/// See [`AnyUserData::wrap`].
struct Wrapped<T>(T);

impl<T: MaybeSend + MaybeSync + 'static> IntoLua for Wrapped<T> {
    fn into_lua(self, lua: &Lua) -> Result<Value> {
        lua.create_any_userdata(self.0).map(Value::UserData)
    }
}
