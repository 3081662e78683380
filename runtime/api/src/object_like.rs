//! What tables and userdata have in common: fields and methods, with metamethods.

#[cfg(feature = "async")]
use crate::AsyncCallFuture;
use crate::handle::Handle;
use crate::path::{self, Step};
use crate::{
    AnyUserData, Error, FromLua, FromLuaMulti, Function, IntoLua, IntoLuaMulti, Lua, MultiValue,
    Result, Table, Value,
};
use perilune_runtime::interp::{self, Found};

mod sealed {
    pub trait Sealed {}
}

impl sealed::Sealed for Table {}
impl sealed::Sealed for AnyUserData {}

/// A value with fields and methods: a table or a userdata.
///
/// ```
/// use perilune::{Lua, ObjectLike, Table};
///
/// let lua = Lua::new();
/// let object: Table = lua
///     .load("{ name = 'one', list = { 10, 20 }, rename = function(self, name) self.name = name end }")
///     .eval()?;
/// object.call_method::<()>("rename", "two")?;
/// assert_eq!(object.get_path::<String>("name")?, "two");
/// assert_eq!(object.get_path::<i64>("list[2]")?, 20);
/// # Ok::<(), perilune::Error>(())
/// ```
pub trait ObjectLike: sealed::Sealed {
    /// `object[key]`.
    ///
    /// ```
    /// use perilune::{AnyUserData, ObjectLike};
    /// let lua = perilune::Lua::new();
    /// let file: AnyUserData = lua.load("io.stdout").eval()?;
    /// assert!(file.get::<perilune::Value>("write")?.is_function());
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// What a metamethod raises; what the conversion says.
    fn get<V: FromLua>(&self, key: impl IntoLua) -> Result<V>;

    /// `object[key] = value`.
    ///
    /// ```
    /// use perilune::{ObjectLike, Table};
    /// let lua = perilune::Lua::new();
    /// fn name(object: &impl ObjectLike) -> perilune::Result<String> {
    ///     object.set("name", "Io")?;
    ///     object.get("name")
    /// }
    /// assert_eq!(name(&lua.create_table()?)?, "Io");
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// What a metamethod raises; what the conversion says.
    fn set(&self, key: impl IntoLua, value: impl IntoLua) -> Result<()>;

    /// `object(args)`: calls its `__call`.
    ///
    /// ```
    /// use perilune::{ObjectLike, Table};
    /// let lua = perilune::Lua::new();
    /// let object: Table = lua.load("setmetatable({}, {__call = function(_, n) return 2 * n end})").eval()?;
    /// assert_eq!(ObjectLike::call::<i64>(&object, 21)?, 42);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// What the call raises; what a conversion says.
    fn call<R: FromLuaMulti>(&self, args: impl IntoLuaMulti) -> Result<R>;

    /// `object:name(args)`.
    ///
    /// # Errors
    /// There is no such function; what the call raises; what a conversion says.
    fn call_method<R: FromLuaMulti>(&self, name: &str, args: impl IntoLuaMulti) -> Result<R>;

    /// `object.name(args)`.
    ///
    /// ```
    /// use perilune::{ObjectLike, Table};
    /// let lua = perilune::Lua::new();
    /// let math: Table = lua.globals().get("math")?;
    /// assert_eq!(math.call_function::<i64>("max", (1, 3, 2))?, 3);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`ObjectLike::call_method`].
    fn call_function<R: FromLuaMulti>(&self, name: &str, args: impl IntoLuaMulti) -> Result<R>;

    /// [`ObjectLike::call`] in a coroutine of its own, in which asynchronous functions may be called
    /// (feature `async`): see [`Function::call_async`].
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
    /// use perilune::{ObjectLike, Table};
    /// let lua = perilune::Lua::new();
    /// let read = lua.create_async_function(|_, ()| async { Ok("a line") })?;
    /// let object: Table = lua.load(
    ///     "local object = setmetatable({read = ...}, {__call = function(o) return o.read() end})
    ///     function object:line() return self.read() end
    ///     return object",
    /// ).call(read)?;
    /// block_on(async {
    ///     assert_eq!(object.call_async::<String>(()).await?, "a line");
    ///     assert_eq!(object.call_async_function::<String>("read", ()).await?, "a line");
    ///     assert_eq!(object.call_async_method::<String>("line", ()).await?, "a line");
    ///     perilune::Result::Ok(())
    /// })?;
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// The future's: as [`ObjectLike::call`].
    #[cfg(feature = "async")]
    fn call_async<R: FromLuaMulti>(&self, args: impl IntoLuaMulti) -> AsyncCallFuture<R>;

    /// [`ObjectLike::call_method`], likewise.
    ///
    /// # Errors
    /// The future's: as [`ObjectLike::call_method`].
    #[cfg(feature = "async")]
    fn call_async_method<R: FromLuaMulti>(
        &self,
        name: &str,
        args: impl IntoLuaMulti,
    ) -> AsyncCallFuture<R>;

    /// [`ObjectLike::call_function`], likewise.
    ///
    /// # Errors
    /// The future's: as [`ObjectLike::call_function`].
    #[cfg(feature = "async")]
    fn call_async_function<R: FromLuaMulti>(
        &self,
        name: &str,
        args: impl IntoLuaMulti,
    ) -> AsyncCallFuture<R>;

    /// The value at the end of a path such as `a.b[3]["a key"]`. A `?` behind a step ends the path
    /// with nil where that step gives nil.
    ///
    /// # Errors
    /// The path is none; a step indexes what can't be indexed; what a metamethod raises; what the
    /// conversion says.
    fn get_path<V: FromLua>(&self, path: &str) -> Result<V> {
        let mut current = self.to_value();
        for Step { key, stops_at_nil } in path::parse(path)? {
            current = match current {
                Value::Table(table) => table.get(&key)?,
                Value::UserData(userdata) => userdata.get(&key)?,
                other => {
                    let kind = other.type_name();
                    let text = format!("attempt to index a {kind} value with key '{key}'");
                    return Err(Error::runtime(text));
                }
            };
            if stops_at_nil && current.is_nil() {
                break;
            }
        }
        V::from_lua(current, &self.state()?)
    }

    /// The text that `tostring` gives.
    ///
    /// ```
    /// use perilune::{ObjectLike, Table};
    /// let lua = perilune::Lua::new();
    /// let object: Table = lua.load("setmetatable({}, {__tostring = function() return 'mine' end})").eval()?;
    /// assert_eq!(object.to_string()?, "mine");
    /// assert!(object.to_value().is_table());
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// What `__tostring` raises, or that it gives no string.
    fn to_string(&self) -> Result<String>;

    /// The object as a value.
    fn to_value(&self) -> Value;

    /// The state that the object belongs to.
    ///
    /// # Errors
    /// It is gone.
    #[doc(hidden)]
    fn state(&self) -> Result<Lua>;
}

/// `object[key]` of any value.
fn index(object: &Handle, key: Value) -> Result<Value> {
    let _entered = object.state.enter();
    let state = &object.state;
    let raw_key = key.to_raw(state)?;
    // SAFETY: the handles keep object and key alive.
    let found = unsafe { interp::index_value(&mut *state.vm(), object.raw(), raw_key) };
    match found.map_err(|error| state.describe(error))? {
        Found::Value(value) => Ok(Value::from_raw(state, value)),
        Found::Metamethod(function, asked) => {
            let asked = Value::from_raw(state, asked);
            let results = state.call(function, &[asked, key], true)?;
            Ok(results.into_iter().next().unwrap_or(Value::Nil))
        }
    }
}

/// `object[key] = value` of any value.
fn set_index(object: &Handle, key: Value, value: Value) -> Result<()> {
    let _entered = object.state.enter();
    let state = &object.state;
    let (raw_key, raw_value) = (key.to_raw(state)?, value.to_raw(state)?);
    // SAFETY: the handles keep all three alive.
    let done = unsafe {
        interp::set_index_value(&mut *state.vm(), object.raw(), raw_key, raw_value, false)
    };
    if let Some((function, asked)) = done.map_err(|error| state.describe(error))? {
        let asked = Value::from_raw(state, asked);
        state.call(function, &[asked, key, value], true)?;
    }
    Ok(())
}

fn call<R: FromLuaMulti>(object: &Handle, args: MultiValue) -> Result<R> {
    Function(object.clone()).call(args)
}

/// The function that `object.name` is.
fn function_field(object: &impl ObjectLike, name: &str) -> Result<Function> {
    match object.get(name)? {
        Value::Function(function) => Ok(function),
        other => {
            let kind = other.type_name();
            let text = format!("attempt to call a {kind} value (function '{name}')");
            Err(Error::RuntimeError(text))
        }
    }
}

macro_rules! object_like {
    ($($name:ident $variant:ident;)*) => {$(
        impl ObjectLike for $name {
            fn get<V: FromLua>(&self, key: impl IntoLua) -> Result<V> {
                let lua = self.0.lua()?;
                V::from_lua(index(&self.0, key.into_lua(&lua)?)?, &lua)
            }

            fn set(&self, key: impl IntoLua, value: impl IntoLua) -> Result<()> {
                let lua = self.0.lua()?;
                set_index(&self.0, key.into_lua(&lua)?, value.into_lua(&lua)?)
            }

            fn call<R: FromLuaMulti>(&self, args: impl IntoLuaMulti) -> Result<R> {
                call(&self.0, args.into_lua_multi(&self.state()?)?)
            }

            fn call_method<R: FromLuaMulti>(
                &self,
                name: &str,
                args: impl IntoLuaMulti,
            ) -> Result<R> {
                self.call_function(name, (self, args))
            }

            fn call_function<R: FromLuaMulti>(
                &self,
                name: &str,
                args: impl IntoLuaMulti,
            ) -> Result<R> {
                function_field(self, name)?.call(args)
            }

            #[cfg(feature = "async")]
            fn call_async<R: FromLuaMulti>(&self, args: impl IntoLuaMulti) -> AsyncCallFuture<R> {
                Function(self.0.clone()).call_async(args)
            }

            #[cfg(feature = "async")]
            fn call_async_method<R: FromLuaMulti>(
                &self,
                name: &str,
                args: impl IntoLuaMulti,
            ) -> AsyncCallFuture<R> {
                self.call_async_function(name, (self, args))
            }

            #[cfg(feature = "async")]
            fn call_async_function<R: FromLuaMulti>(
                &self,
                name: &str,
                args: impl IntoLuaMulti,
            ) -> AsyncCallFuture<R> {
                match function_field(self, name) {
                    Ok(function) => function.call_async(args),
                    Err(error) => AsyncCallFuture::failed(error),
                }
            }

            fn to_string(&self) -> Result<String> {
                self.state()?.display(&self.to_value())
            }

            fn to_value(&self) -> Value {
                Value::$variant(self.clone())
            }

            fn state(&self) -> Result<Lua> {
                Ok(Lua::clone(&*self.0.lua()?))
            }
        }
    )*};
}
object_like! {
    Table Table;
    AnyUserData UserData;
}

impl Lua {
    /// The text that `tostring` gives for a value.
    fn display(&self, value: &Value) -> Result<String> {
        let _entered = self.enter();
        let raw = value.to_raw(&self.state)?;
        let mut asked = perilune_runtime::value::Value::NIL;
        let mut text = Vec::new();
        self.with_call(|call| {
            // SAFETY: a value of this state, which the caller's handle keeps alive.
            let local = unsafe { perilune_runtime::native::Local::from_raw(raw) };
            let event = perilune_runtime::metatable::Event::ToString;
            asked = call.metamethod(local, event).raw();
            if asked.is_nil() {
                text = call.to_display(local)?;
            }
            Ok(())
        })?;
        if asked.is_nil() {
            return Ok(String::from_utf8_lossy(&text).into_owned());
        }
        let results = self.state.call(asked, std::slice::from_ref(value), true)?;
        match results.first() {
            Some(Value::String(text)) => Ok(text.to_string_lossy()),
            _ => Err(Error::runtime("'__tostring' must return a string")),
        }
    }
}
