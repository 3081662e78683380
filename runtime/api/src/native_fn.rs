//! Rust functions that take their arguments one by one, and become Lua functions where they are wanted.

#[cfg(feature = "async")]
use crate::future::body;
use crate::{
    Error, ExternalError, FromLuaMulti, Function, IntoLua, IntoLuaMulti, Lua, MaybeSend, Result,
    Value,
};
use std::cell::RefCell;

/// A Rust function of any number of arguments, which are an `A` together.
pub trait LuaNativeFn<A: FromLuaMulti> {
    /// What it gives.
    type Output;

    /// Calls it.
    fn call(&self, args: A) -> Self::Output;
}

/// Likewise, for a function that needs its captures for itself.
pub trait LuaNativeFnMut<A: FromLuaMulti> {
    /// What it gives.
    type Output;

    /// Calls it.
    fn call(&mut self, args: A) -> Self::Output;
}

/// Likewise, for a function that gives a future (feature `async`).
#[cfg(feature = "async")]
pub trait LuaNativeAsyncFn<A: FromLuaMulti> {
    /// What the future gives.
    type Output;

    /// Calls it.
    fn call(&self, args: A) -> impl Future<Output = Self::Output> + MaybeSend + 'static;
}

macro_rules! functions {
    ($($($argument:ident)*;)*) => {$(
        impl<F, $($argument,)* R> LuaNativeFn<($($argument,)*)> for F
        where
            F: Fn($($argument,)*) -> R + MaybeSend + 'static,
            ($($argument,)*): FromLuaMulti,
        {
            type Output = R;

            #[allow(non_snake_case)]
            fn call(&self, args: ($($argument,)*)) -> R {
                let ($($argument,)*) = args;
                self($($argument,)*)
            }
        }

        impl<F, $($argument,)* R> LuaNativeFnMut<($($argument,)*)> for F
        where
            F: FnMut($($argument,)*) -> R + MaybeSend + 'static,
            ($($argument,)*): FromLuaMulti,
        {
            type Output = R;

            #[allow(non_snake_case)]
            fn call(&mut self, args: ($($argument,)*)) -> R {
                let ($($argument,)*) = args;
                self($($argument,)*)
            }
        }

        #[cfg(feature = "async")]
        impl<F, $($argument,)* W, R> LuaNativeAsyncFn<($($argument,)*)> for F
        where
            F: Fn($($argument,)*) -> W + MaybeSend + 'static,
            ($($argument,)*): FromLuaMulti,
            W: Future<Output = R> + MaybeSend + 'static,
        {
            type Output = R;

            #[allow(non_snake_case)]
            fn call(
                &self,
                args: ($($argument,)*),
            ) -> impl Future<Output = R> + MaybeSend + 'static {
                let ($($argument,)*) = args;
                self($($argument,)*)
            }
        }
    )*};
}
functions! {
    ;
    A;
    A B;
    A B C;
    A B C D;
    A B C D E;
    A B C D E G;
    A B C D E G H;
    A B C D E G H I;
    A B C D E G H I J;
    A B C D E G H I J K;
    A B C D E G H I J K L;
    A B C D E G H I J K L M;
    A B C D E G H I J K L M N;
    A B C D E G H I J K L M N O;
    A B C D E G H I J K L M N O P;
    A B C D E G H I J K L M N O P Q;
}

/// What makes a Lua function when it is converted.
struct Wrapped<F>(F);

impl<F: FnOnce(&Lua) -> Result<Function>> IntoLua for Wrapped<F> {
    fn into_lua(self, lua: &Lua) -> Result<Value> {
        (self.0)(lua).map(Value::Function)
    }
}

impl Function {
    /// A Rust function as a Lua function, which is made where it is wanted. The error of its result is
    /// raised.
    ///
    /// ```
    /// use perilune::{Error, Function, Lua};
    /// fn half(n: i64) -> Result<i64, Error> {
    ///     if n % 2 == 0 { Ok(n / 2) } else { Err(Error::runtime("it is odd")) }
    /// }
    /// let lua = Lua::new();
    /// lua.globals().set("half", Function::wrap(half))?;
    /// lua.load("assert(half(8) == 4 and not pcall(half, 7))").exec()?;
    /// # Ok::<(), Error>(())
    /// ```
    pub fn wrap<F, A, R, E>(function: F) -> impl IntoLua
    where
        F: LuaNativeFn<A, Output = std::result::Result<R, E>> + MaybeSend + 'static,
        A: FromLuaMulti,
        R: IntoLuaMulti,
        E: ExternalError,
    {
        Wrapped(move |lua: &Lua| {
            lua.create_function(move |_, args: A| {
                function.call(args).map_err(ExternalError::into_lua_err)
            })
        })
    }

    /// Likewise, for a function that needs its captures for itself.
    pub fn wrap_mut<F, A, R, E>(function: F) -> impl IntoLua
    where
        F: LuaNativeFnMut<A, Output = std::result::Result<R, E>> + MaybeSend + 'static,
        A: FromLuaMulti,
        R: IntoLuaMulti,
        E: ExternalError,
    {
        let function = RefCell::new(function);
        Wrapped(move |lua: &Lua| {
            lua.create_function(move |_, args: A| {
                let mut function = borrow(&function)?;
                function.call(args).map_err(ExternalError::into_lua_err)
            })
        })
    }

    /// Likewise, for a function of any result; the error of a `Result` is handed to Lua as `nil` and the
    /// error.
    pub fn wrap_raw<F, A>(function: F) -> impl IntoLua
    where
        F: LuaNativeFn<A> + MaybeSend + 'static,
        F::Output: IntoLuaMulti,
        A: FromLuaMulti,
    {
        Wrapped(move |lua: &Lua| lua.create_function(move |_, args: A| Ok(function.call(args))))
    }

    /// Likewise, for a function that needs its captures for itself.
    pub fn wrap_raw_mut<F, A>(function: F) -> impl IntoLua
    where
        F: LuaNativeFnMut<A> + MaybeSend + 'static,
        F::Output: IntoLuaMulti,
        A: FromLuaMulti,
    {
        let function = RefCell::new(function);
        Wrapped(move |lua: &Lua| {
            lua.create_function(move |_, args: A| Ok(borrow(&function)?.call(args)))
        })
    }

    /// [`Function::wrap`] for a function that gives a future (feature `async`): see
    /// [`Lua::create_async_function`].
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
    /// use perilune::{Error, Function, Lua};
    /// async fn half(n: i64) -> Result<i64, Error> {
    ///     if n % 2 == 0 { Ok(n / 2) } else { Err(Error::runtime("it is odd")) }
    /// }
    /// let lua = Lua::new();
    /// lua.globals().set("half", Function::wrap_async(half))?;
    /// block_on(lua.load("assert(half(8) == 4 and not pcall(half, 7))").exec_async())?;
    /// # Ok::<(), Error>(())
    /// ```
    #[cfg(feature = "async")]
    pub fn wrap_async<F, A, R, E>(function: F) -> impl IntoLua
    where
        F: LuaNativeAsyncFn<A, Output = std::result::Result<R, E>> + MaybeSend + 'static,
        A: FromLuaMulti,
        R: IntoLuaMulti,
        E: ExternalError,
    {
        Wrapped(move |lua: &Lua| {
            lua.create_async_callback(move |lua, args| {
                let future = function.call(A::from_lua_args(args, 1, None, &lua)?);
                Ok(body(&lua, async move {
                    future.await.map_err(ExternalError::into_lua_err)
                }))
            })
        })
    }

    /// [`Function::wrap_raw`], likewise.
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
    /// use perilune::{Function, Lua};
    /// let lua = Lua::new();
    /// let fails = Function::wrap_raw_async(|| async { Err::<(), _>("no luck") });
    /// lua.globals().set("fails", fails)?;
    /// let (nothing, why): (Option<bool>, String) = block_on(lua.load("fails()").eval_async())?;
    /// assert_eq!((nothing, why.as_str()), (None, "no luck"));
    /// # Ok::<(), perilune::Error>(())
    /// ```
    #[cfg(feature = "async")]
    pub fn wrap_raw_async<F, A>(function: F) -> impl IntoLua
    where
        F: LuaNativeAsyncFn<A> + MaybeSend + 'static,
        F::Output: IntoLuaMulti,
        A: FromLuaMulti,
    {
        Wrapped(move |lua: &Lua| {
            lua.create_async_callback(move |lua, args| {
                let future = function.call(A::from_lua_args(args, 1, None, &lua)?);
                Ok(body(&lua, async move { Ok(future.await) }))
            })
        })
    }
}

fn borrow<F>(function: &RefCell<F>) -> Result<std::cell::RefMut<'_, F>> {
    function
        .try_borrow_mut()
        .map_err(|_| Error::RecursiveMutCallback)
}
