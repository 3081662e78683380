//! What a type says of itself to be used as userdata.

use super::field::{Field, PlainValue};
use crate::{
    AnyUserData, Error, FromLua, FromLuaMulti, IntoLua, IntoLuaMulti, Lua, MaybeSend, Result,
    UserDataRegistry,
};
#[cfg(feature = "async")]
use crate::{UserDataRef, UserDataRefMut};

/// A Rust type whose values Lua code can hold and use.
///
/// A value of such a type becomes a Lua value by [`IntoLua`]. To get it back, an argument is declared
/// as [`UserDataRef`](crate::UserDataRef), or the type implements [`FromLua`].
///
/// ```
/// use perilune::{Lua, MetaMethod, UserData, UserDataFields, UserDataMethods};
///
/// struct Account(i64);
///
/// impl UserData for Account {
///     fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
///         fields.add_field_method_get("balance", |_, this| Ok(this.0));
///     }
///
///     fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
///         methods.add_method_mut("deposit", |_, this, amount: i64| {
///             this.0 += amount;
///             Ok(())
///         });
///         methods.add_meta_method(MetaMethod::Add, |_, this, other: i64| Ok(this.0 + other));
///     }
/// }
///
/// let lua = Lua::new();
/// lua.globals().set("account", Account(100))?;
/// lua.load("account:deposit(20) assert(account.balance == 120 and account + 1 == 121)").exec()?;
/// # Ok::<(), perilune::Error>(())
/// ```
pub trait UserData: Sized {
    /// Adds the fields.
    #[expect(unused_variables, reason = "a type need not have fields")]
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {}

    /// Adds methods and operators.
    #[expect(unused_variables, reason = "a type need not have methods")]
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {}

    /// Adds everything: calls `add_fields` and `add_methods`.
    ///
    /// ```
    /// use perilune::{Lua, UserData, UserDataMethods, UserDataRegistry};
    /// struct Text(String);
    /// impl UserData for Text {
    ///     fn register(registry: &mut UserDataRegistry<Self>) {
    ///         registry.add_method("length", |_, this, ()| Ok(this.0.len()));
    ///     }
    /// }
    /// let lua = Lua::new();
    /// lua.globals().set("text", Text("abc".to_owned()))?;
    /// assert_eq!(lua.load("text:length()").eval::<usize>()?, 3);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    fn register(registry: &mut UserDataRegistry<Self>) {
        Self::add_fields(registry);
        Self::add_methods(registry);
    }
}

/// Where a type's methods and operators are added.
///
/// ```
/// use perilune::{AnyUserData, Lua, UserData, UserDataMethods, Value};
/// struct Vector(f64, f64);
/// impl UserData for Vector {
///     fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
///         methods.add_method("length", |_, this, ()| Ok(this.0.hypot(this.1)));
///         methods.add_method_once("take", |_, this, ()| Ok((this.0, this.1)));
///         methods.add_function("new", |_, (x, y)| Ok(Vector(x, y)));
///         let mut count = 0;
///         methods.add_function_mut("count", move |_, ()| {
///             count += 1;
///             Ok(count)
///         });
///         methods.add_meta_method_mut("__call", |_, this, x: f64| Ok(this.0 = x));
///         methods.add_meta_function("__mul", |_, (factor, this): (f64, AnyUserData)| {
///             let this = this.borrow::<Vector>()?;
///             Ok(Vector(factor * this.0, factor * this.1))
///         });
///         let mut calls = 0;
///         methods.add_meta_function_mut("__len", move |_, _: Value| {
///             calls += 1;
///             Ok(calls)
///         });
///     }
/// }
/// let lua = Lua::new();
/// lua.globals().set("v", Vector(3.0, 4.0))?;
/// lua.load(
///     "assert(v:length() == 5 and (2 * v):length() == 10 and v.new(0, 1):length() == 1)
///     assert(v.count() == 1 and v.count() == 2 and #v == 1 and #v == 2)
///     v(0)
///     assert(v:length() == 4)
///     local x, y = v:take()
///     assert(x == 0 and y == 4 and not pcall(function() return v.length end))",
/// ).exec()?;
/// # Ok::<(), perilune::Error>(())
/// ```
pub trait UserDataMethods<T> {
    /// Adds a method that reads the value: `value:name(...)`.
    ///
    /// Calling it while the value is borrowed mutably raises
    /// [`Error::UserDataBorrowError`](crate::Error::UserDataBorrowError).
    fn add_method<M, A, R>(&mut self, name: impl Into<String>, method: M)
    where
        M: Fn(&Lua, &T, A) -> Result<R> + MaybeSend + 'static,
        A: FromLuaMulti,
        R: IntoLuaMulti;

    /// Adds a method that changes the value.
    ///
    /// Calling it while the value is borrowed raises
    /// [`Error::UserDataBorrowMutError`](crate::Error::UserDataBorrowMutError), and within itself
    /// [`Error::RecursiveMutCallback`](crate::Error::RecursiveMutCallback).
    fn add_method_mut<M, A, R>(&mut self, name: impl Into<String>, method: M)
    where
        M: FnMut(&Lua, &mut T, A) -> Result<R> + MaybeSend + 'static,
        A: FromLuaMulti,
        R: IntoLuaMulti;

    /// Adds a method that takes the value out of its userdata, which is destructed then.
    fn add_method_once<M, A, R>(&mut self, name: impl Into<String>, method: M)
    where
        T: 'static,
        M: Fn(&Lua, T, A) -> Result<R> + MaybeSend + 'static,
        A: FromLuaMulti,
        R: IntoLuaMulti,
    {
        let name = name.into();
        let full_name = super::full_name::<T>(&name);
        self.add_function(name, move |lua, (this, args): (AnyUserData, A)| {
            let this = this
                .take()
                .map_err(|cause| Error::bad_self_argument(&full_name, cause))?;
            method(lua, this, args)
        });
    }

    /// Adds an asynchronous method (feature `async`): one whose future reads the value, which is
    /// borrowed until the future is done or dropped. Values of a scope have none.
    ///
    /// ```
    /// # fn block_on<F: Future>(future: F) -> F::Output {
    /// #     let mut future = std::pin::pin!(future);
    /// #     let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    /// #     loop {
    /// #         if let std::task::Poll::Ready(result) = future.as_mut().poll(&mut context) {
    /// #             return result;
    /// #         }
    /// #     }
    /// # }
    /// use perilune::{Lua, UserData, UserDataMethods};
    ///
    /// struct Clock(u64);
    /// impl UserData for Clock {
    ///     fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
    ///         methods.add_async_method("at", |_, this, ()| async move { Ok(this.0) });
    ///         methods.add_async_method_mut("wait", |_, mut this, n: u64| async move {
    ///             this.0 += n;
    ///             Ok(())
    ///         });
    ///     }
    /// }
    ///
    /// let lua = Lua::new();
    /// lua.globals().set("clock", Clock(10))?;
    /// block_on(lua.load("clock:wait(5) assert(clock:at() == 15)").exec_async())?;
    /// # Ok::<(), perilune::Error>(())
    /// ```
    #[cfg(feature = "async")]
    fn add_async_method<M, A, MR, R>(&mut self, name: impl Into<String>, method: M)
    where
        T: 'static,
        M: Fn(Lua, UserDataRef<T>, A) -> MR + MaybeSend + 'static,
        A: FromLuaMulti,
        MR: Future<Output = Result<R>> + MaybeSend + 'static,
        R: IntoLuaMulti;

    /// Adds an asynchronous method whose future changes the value.
    #[cfg(feature = "async")]
    fn add_async_method_mut<M, A, MR, R>(&mut self, name: impl Into<String>, method: M)
    where
        T: 'static,
        M: Fn(Lua, UserDataRefMut<T>, A) -> MR + MaybeSend + 'static,
        A: FromLuaMulti,
        MR: Future<Output = Result<R>> + MaybeSend + 'static,
        R: IntoLuaMulti;

    /// Adds an asynchronous method that takes the value out of its userdata, which is destructed then.
    ///
    /// ```
    /// # fn block_on<F: Future>(future: F) -> F::Output {
    /// #     let mut future = std::pin::pin!(future);
    /// #     let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    /// #     loop {
    /// #         if let std::task::Poll::Ready(result) = future.as_mut().poll(&mut context) {
    /// #             return result;
    /// #         }
    /// #     }
    /// # }
    /// use perilune::{AnyUserData, Lua, UserData, UserDataMethods};
    ///
    /// struct Socket(u16);
    /// impl UserData for Socket {
    ///     fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
    ///         methods.add_async_method_once("close", |_, this, ()| async move { Ok(this.0) });
    ///         methods.add_async_function("open", |_, port: u16| async move { Ok(Socket(port)) });
    ///         methods.add_async_meta_method("__len", |_, this, ()| async move { Ok(this.0) });
    ///         methods.add_async_meta_method_mut("__call", |_, mut this, port: u16| async move {
    ///             this.0 = port;
    ///             Ok(())
    ///         });
    ///         methods.add_async_meta_function("__unm", |_, this: AnyUserData| async move {
    ///             Ok(Socket(this.borrow::<Socket>()?.0 + 1))
    ///         });
    ///     }
    /// }
    ///
    /// let lua = Lua::new();
    /// lua.globals().set("Socket", lua.create_proxy::<Socket>()?)?;
    /// let text = "local s = Socket.open(80) s(443) assert(#s == 443 and #-s == 444 and s:close() == 443)";
    /// block_on(lua.load(text).exec_async())?;
    /// # Ok::<(), perilune::Error>(())
    /// ```
    #[cfg(feature = "async")]
    fn add_async_method_once<M, A, MR, R>(&mut self, name: impl Into<String>, method: M)
    where
        T: 'static,
        M: Fn(Lua, T, A) -> MR + MaybeSend + 'static,
        A: FromLuaMulti,
        MR: Future<Output = Result<R>> + MaybeSend + 'static,
        R: IntoLuaMulti;

    /// Adds a function: `value.name(...)`, and `value:name(...)` with the userdata as the first
    /// argument.
    fn add_function<F, A, R>(&mut self, name: impl Into<String>, function: F)
    where
        F: Fn(&Lua, A) -> Result<R> + MaybeSend + 'static,
        A: FromLuaMulti,
        R: IntoLuaMulti;

    /// Adds a function that changes what it has captured.
    fn add_function_mut<F, A, R>(&mut self, name: impl Into<String>, function: F)
    where
        F: FnMut(&Lua, A) -> Result<R> + MaybeSend + 'static,
        A: FromLuaMulti,
        R: IntoLuaMulti;

    /// Adds an asynchronous function (feature `async`).
    #[cfg(feature = "async")]
    fn add_async_function<F, A, FR, R>(&mut self, name: impl Into<String>, function: F)
    where
        F: Fn(Lua, A) -> FR + MaybeSend + 'static,
        A: FromLuaMulti,
        FR: Future<Output = Result<R>> + MaybeSend + 'static,
        R: IntoLuaMulti;

    /// Adds a metamethod that reads the value. Where an operator's right operand alone is of the type,
    /// its left operand is no `T`: such calls raise an error, and
    /// [`add_meta_function`](UserDataMethods::add_meta_function) is the way to support them.
    fn add_meta_method<M, A, R>(&mut self, name: impl Into<String>, method: M)
    where
        M: Fn(&Lua, &T, A) -> Result<R> + MaybeSend + 'static,
        A: FromLuaMulti,
        R: IntoLuaMulti;

    /// Adds a metamethod that changes the value.
    fn add_meta_method_mut<M, A, R>(&mut self, name: impl Into<String>, method: M)
    where
        M: FnMut(&Lua, &mut T, A) -> Result<R> + MaybeSend + 'static,
        A: FromLuaMulti,
        R: IntoLuaMulti;

    /// Adds an asynchronous metamethod whose future reads the value (feature `async`). It may wait wherever
    /// Lua code may yield: `__gc`, for instance, can't.
    #[cfg(feature = "async")]
    fn add_async_meta_method<M, A, MR, R>(&mut self, name: impl Into<String>, method: M)
    where
        T: 'static,
        M: Fn(Lua, UserDataRef<T>, A) -> MR + MaybeSend + 'static,
        A: FromLuaMulti,
        MR: Future<Output = Result<R>> + MaybeSend + 'static,
        R: IntoLuaMulti;

    /// Adds an asynchronous metamethod whose future changes the value.
    #[cfg(feature = "async")]
    fn add_async_meta_method_mut<M, A, MR, R>(&mut self, name: impl Into<String>, method: M)
    where
        T: 'static,
        M: Fn(Lua, UserDataRefMut<T>, A) -> MR + MaybeSend + 'static,
        A: FromLuaMulti,
        MR: Future<Output = Result<R>> + MaybeSend + 'static,
        R: IntoLuaMulti;

    /// Adds a metamethod that gets all operands as they are.
    fn add_meta_function<F, A, R>(&mut self, name: impl Into<String>, function: F)
    where
        F: Fn(&Lua, A) -> Result<R> + MaybeSend + 'static,
        A: FromLuaMulti,
        R: IntoLuaMulti;

    /// Adds a metamethod that gets all operands, and changes what it has captured.
    fn add_meta_function_mut<F, A, R>(&mut self, name: impl Into<String>, function: F)
    where
        F: FnMut(&Lua, A) -> Result<R> + MaybeSend + 'static,
        A: FromLuaMulti,
        R: IntoLuaMulti;

    /// Adds an asynchronous metamethod that gets all operands.
    #[cfg(feature = "async")]
    fn add_async_meta_function<F, A, FR, R>(&mut self, name: impl Into<String>, function: F)
    where
        F: Fn(Lua, A) -> FR + MaybeSend + 'static,
        A: FromLuaMulti,
        FR: Future<Output = Result<R>> + MaybeSend + 'static,
        R: IntoLuaMulti;
}

/// Where a type's fields are added.
///
/// ```
/// use perilune::{AnyUserData, Lua, UserData, UserDataFields, field};
/// struct Page { number: u32 }
/// impl UserData for Page {
///     fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
///         fields.add_field("MAX", 100);
///         fields.add_field_method_get("number", |_, this| Ok(this.number));
///         fields.add_field_method_set("number", |_, this, n: u32| Ok(this.number = n.min(100)));
///         fields.add_plain_field_set("raw_number", field!(Page, number));
///         fields.add_field_function_get("note", |_, this| this.user_value::<Option<String>>());
///         fields.add_field_function_set("note", |_, this, note: String| this.set_user_value(note));
///         fields.add_meta_field("__metakind", "page");
///         fields.add_meta_field_with("__tags", |lua| lua.create_sequence_from(["a", "b"]));
///     }
/// }
/// let lua = Lua::new();
/// let page = lua.create_userdata(Page { number: 1 })?;
/// assert_eq!(page.metatable()?.get::<Vec<String>>("__tags")?, ["a", "b"]);
/// lua.load(
///     "local page = ...
///     page.number = 200
///     assert(page.number == page.MAX)
///     page.raw_number, page.note = 200, 'too large'
///     assert(page.number == 200 and page.note == 'too large')",
/// ).call::<()>(page)?;
/// # Ok::<(), perilune::Error>(())
/// ```
pub trait UserDataFields<T> {
    /// Adds a field with the same value for all userdata of the type.
    fn add_field<V>(&mut self, name: impl Into<String>, value: V)
    where
        V: IntoLua + 'static;

    /// Adds what reading a field gives.
    fn add_field_method_get<M, R>(&mut self, name: impl Into<String>, method: M)
    where
        M: Fn(&Lua, &T) -> Result<R> + MaybeSend + 'static,
        R: IntoLua;

    /// Adds what storing to a field does.
    fn add_field_method_set<M, A>(&mut self, name: impl Into<String>, method: M)
    where
        M: FnMut(&Lua, &mut T, A) -> Result<()> + MaybeSend + 'static,
        A: FromLua;

    /// Adds a field of the value as it is: reading gives what it holds, storing sets it. Such fields cost
    /// no calls: compiled loops read and store them as they do fields of tables.
    ///
    /// What is stored is converted as an argument of a setter is: integers must fit, floats lose their
    /// fraction where an integer is stored, and strings may stand for numbers.
    ///
    /// ```
    /// use perilune::{Lua, UserData, UserDataFields, field};
    ///
    /// struct Particle { x: f64, dx: f64, is_alive: bool }
    /// impl UserData for Particle {
    ///     fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
    ///         fields.add_plain_field("x", field!(Particle, x));
    ///         fields.add_plain_field_get("dx", field!(Particle, dx));
    ///         fields.add_plain_field_get("is_alive", field!(Particle, is_alive));
    ///     }
    /// }
    ///
    /// let lua = Lua::new();
    /// lua.globals().set("p", Particle { x: 0.0, dx: 0.5, is_alive: true })?;
    /// lua.load("for i = 1, 1000 do if p.is_alive then p.x = p.x + p.dx end end").exec()?;
    /// assert_eq!(lua.load("p.x").eval::<f64>()?, 500.0);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    fn add_plain_field<V: PlainValue>(&mut self, name: impl Into<String>, field: Field<T, V>)
    where
        T: 'static,
    {
        let name = name.into();
        self.add_plain_field_get(name.clone(), field);
        self.add_plain_field_set(name, field);
    }

    /// Likewise, to be read only.
    fn add_plain_field_get<V: PlainValue>(&mut self, name: impl Into<String>, field: Field<T, V>)
    where
        T: 'static;

    /// Likewise, to be stored to only.
    fn add_plain_field_set<V: PlainValue>(&mut self, name: impl Into<String>, field: Field<T, V>)
    where
        T: 'static;

    /// Adds what reading a field gives, as a function of the userdata.
    fn add_field_function_get<F, R>(&mut self, name: impl Into<String>, function: F)
    where
        F: Fn(&Lua, AnyUserData) -> Result<R> + MaybeSend + 'static,
        R: IntoLua;

    /// Adds what storing to a field does, as a function of the userdata and the value.
    fn add_field_function_set<F, A>(&mut self, name: impl Into<String>, function: F)
    where
        F: FnMut(&Lua, AnyUserData, A) -> Result<()> + MaybeSend + 'static,
        A: FromLua;

    /// Adds a field of the metatable.
    ///
    /// `__gc` and `__metatable` can't be set: making the userdata fails with
    /// [`Error::MetaMethodRestricted`](crate::Error::MetaMethodRestricted) then. So it does with
    /// [`Error::MetaMethodTypeError`](crate::Error::MetaMethodTypeError) when `__index` or
    /// `__newindex` is neither a table nor a function.
    fn add_meta_field<V>(&mut self, name: impl Into<String>, value: V)
    where
        V: IntoLua + 'static;

    /// Adds a field of the metatable whose value `f` makes.
    fn add_meta_field_with<F, R>(&mut self, name: impl Into<String>, f: F)
    where
        F: FnOnce(&Lua) -> Result<R> + 'static,
        R: IntoLua;
}
