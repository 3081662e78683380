//! Rust functions that take their arguments one by one, and become Lua functions where they are wanted.

#[cfg(feature = "async")]
use crate::future::body;
use crate::{
    Error, ExternalError, FromLuaMulti, Function, IntoLua, IntoLuaMulti, Lua, MaybeSend, Result,
    Value,
};
use std::cell::RefCell;

/// A Rust function of any number of arguments, which are an `A` together.
///
/// ```
/// use perilune::function::LuaNativeFn;
/// fn apply<F: LuaNativeFn<(i64, i64), Output = i64>>(f: F) -> i64 {
///     f.call((20, 22))
/// }
/// assert_eq!(apply(|a: i64, b: i64| a + b), 42);
/// ```
pub trait LuaNativeFn<A: FromLuaMulti> {
    /// What it gives.
    type Output;

    /// Calls it.
    fn call(&self, args: A) -> Self::Output;
}

/// Likewise, for a function that needs its captures for itself.
///
/// ```
/// use perilune::function::LuaNativeFnMut;
/// fn twice<F: LuaNativeFnMut<(), Output = i64>>(mut f: F) -> i64 {
///     f.call(());
///     f.call(())
/// }
/// let mut n = 0;
/// assert_eq!(twice(move || { n += 1; n }), 2);
/// ```
pub trait LuaNativeFnMut<A: FromLuaMulti> {
    /// What it gives.
    type Output;

    /// Calls it.
    fn call(&mut self, args: A) -> Self::Output;
}

/// Likewise, for a function that gives a future (feature `async`).
///
/// ```
/// use perilune::function::LuaNativeAsyncFn;
/// async fn start<F: LuaNativeAsyncFn<(i64,), Output = i64>>(f: F) -> i64 {
///     f.call((21,)).await
/// }
/// let mut future = std::pin::pin!(start(|n: i64| async move { 2 * n }));
/// let mut context = std::task::Context::from_waker(std::task::Waker::noop());
/// assert_eq!(future.as_mut().poll(&mut context), std::task::Poll::Ready(42));
/// ```
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
    ///
    /// ```
    /// use perilune::{Error, Function, Lua};
    /// let lua = Lua::new();
    /// let mut count = 0;
    /// let next = move || {
    ///     count += 1;
    ///     Ok::<_, Error>(count)
    /// };
    /// lua.globals().set("next_number", Function::wrap_mut(next))?;
    /// assert_eq!(lua.load("next_number(), next_number()").eval::<(i64, i64)>()?, (1, 2));
    /// # Ok::<(), perilune::Error>(())
    /// ```
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
    ///
    /// ```
    /// use perilune::{Function, Lua};
    /// let lua = Lua::new();
    /// lua.globals().set("parse", Function::wrap_raw(|text: String| text.parse::<i64>().map_err(|_| "no number")))?;
    /// lua.load("local n, why = parse('x') assert(n == nil and why == 'no number')").exec()?;
    /// assert_eq!(lua.load("parse('7')").eval::<i64>()?, 7);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn wrap_raw<F, A>(function: F) -> impl IntoLua
    where
        F: LuaNativeFn<A> + MaybeSend + 'static,
        F::Output: IntoLuaMulti,
        A: FromLuaMulti,
    {
        Wrapped(move |lua: &Lua| lua.create_function(move |_, args: A| Ok(function.call(args))))
    }

    /// Likewise, for a function that needs its captures for itself.
    ///
    /// ```
    /// use perilune::{Function, Lua};
    /// let lua = Lua::new();
    /// let mut heard = Vec::new();
    /// let hear = move |word: String| {
    ///     heard.push(word);
    ///     heard.len()
    /// };
    /// lua.globals().set("hear", Function::wrap_raw_mut(hear))?;
    /// assert_eq!(lua.load("hear('a'), hear('b')").eval::<(i64, i64)>()?, (1, 2));
    /// # Ok::<(), perilune::Error>(())
    /// ```
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
            lua.create_async_callback(move |_, args| {
                let future = function.call(A::from_slots_args(args, 1, None)?);
                Ok(body(async move {
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
            lua.create_async_callback(move |_, args| {
                let future = function.call(A::from_slots_args(args, 1, None)?);
                Ok(body(async move { Ok(future.await) }))
            })
        })
    }
}

fn borrow<F>(function: &RefCell<F>) -> Result<std::cell::RefMut<'_, F>> {
    function
        .try_borrow_mut()
        .map_err(|_| Error::RecursiveMutCallback)
}
