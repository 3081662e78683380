//! Rust functions as Lua functions, and how Rust errors and panics pass through Lua.
//!
//! A callback is a native closure whose only upvalue is a userdata that holds the Rust closure and a way
//! back to the state. The native function is made for each kind of closure: it converts arguments
//! and results by its types, in the slots where they stand, and has nothing to find out but where
//! the closure is.
//!
//! What it fails with becomes an error object (`failure.rs`). A panic does not unwind through Lua frames:
//! it travels as such an object as well, and goes on where the error leaves Lua.

use crate::failure::Payload;
use crate::handle::Handle;
use crate::stack::{Slots, Stack};
use crate::{Error, FromLuaMulti, Function, IntoLuaMulti, Lua, MaybeSend, Result};
use perilune_runtime::error::LuaError;
use perilune_runtime::function::{Intrinsic, NativeClosure};
use perilune_runtime::native::{Call, NativeDescription, NativeFn, NativeResult};
use perilune_runtime::userdata::Userdata;
use perilune_runtime::userdata::place::PlainField;
use perilune_runtime::value as raw;
use std::cell::RefCell;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// What the upvalue of a callback holds.
pub(crate) struct Callback<T> {
    /// The state that the callback belongs to; not counted as an owner, since the state owns the
    /// callback.
    lua: ManuallyDrop<Lua>,
    /// What the native function works with: a Rust closure, for instance.
    pub(crate) content: T,
}

/// Facts about callbacks. No program sees the upvalue, or can change it.
const DESCRIPTION: NativeDescription = NativeDescription {
    name: "?",
    yieldable: false,
    private_upvalues: true,
    intrinsic: None,
};

static CALLBACK: NativeDescription = DESCRIPTION;

/// Likewise, about those that read or store a plain field.
static PLAIN: NativeDescription = NativeDescription {
    intrinsic: Some(Intrinsic::PlainField),
    ..DESCRIPTION
};

impl<T: 'static> Callback<T> {
    /// What the running native function works with, and its state.
    ///
    /// # Safety
    /// The function was made by [`Lua::new_callback`] with a `T`. It runs during `'c`.
    #[inline]
    pub(crate) unsafe fn of<'c>(call: &Call<'c>) -> (&'c Lua, &'c T) {
        // SAFETY: the function stands at base - 1, has the upvalue that it was made with, and that is
        // neither changed nor taken apart. It is alive as long as its frame.
        unsafe {
            let closure: *mut NativeClosure = call.running_closure();
            let upvalue = *NativeClosure::upvalue(closure, 0);
            let callback = &*(*upvalue.as_pointer::<Userdata>())
                .value
                .cast::<Callback<T>>();
            (&callback.lua, &callback.content)
        }
    }
}

impl<T: 'static> Callback<T> {
    /// What a function works with.
    ///
    /// # Safety
    /// The function was made by [`Lua::new_callback`] with a `T`, and its state is open.
    pub(crate) unsafe fn content_of(function: &Function) -> &T {
        // SAFETY: as in `of`; the handle keeps the function alive.
        unsafe {
            let closure: *mut NativeClosure = function.0.raw().as_pointer();
            let upvalue = *NativeClosure::upvalue(closure, 0);
            &(*(*upvalue.as_pointer::<Userdata>())
                .value
                .cast::<Callback<T>>())
            .content
        }
    }
}

/// The native function of callbacks that are an `F`.
fn run<F, A, R>(call: &mut Call<'_>) -> NativeResult
where
    F: Fn(&Lua, A) -> Result<R> + 'static,
    A: FromLuaMulti,
    R: IntoLuaMulti,
{
    // SAFETY: `create_function` makes it with an `F`.
    let (lua, function) = unsafe { Callback::<F>::of(call) };
    enter(call, lua, |lua, args| {
        function(lua, A::from_slots_args(args, 1, None)?)
    })
}

/// Runs `body` on the arguments of the native function that runs, pushes what it answers, and returns
/// that; raises its error or panic.
#[inline(always)]
pub(crate) fn enter<R: IntoLuaMulti>(
    call: &mut Call<'_>,
    lua: &Lua,
    body: impl FnOnce(&Lua, Slots<'_>) -> Result<R>,
) -> NativeResult {
    let first = call.top() + 1;
    let vm = call.machine();
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let results = body(lua, Slots::arguments(lua, vm))?;
        let mut stack = Stack::of(lua, vm).ok_or(Error::StackError)?;
        results.push_into_stack_multi(&mut stack)?;
        stack.keep();
        Ok(())
    }));
    match outcome {
        Ok(Ok(())) => Ok(call.return_from(first)),
        Ok(Err(error)) => Err(raised(call, lua, error)),
        Err(payload) => Err(panicked(lua, payload)),
    }
}

/// The Lua error for what a callback has answered.
#[cold]
fn raised(call: &mut Call<'_>, lua: &Lua, cause: Error) -> LuaError {
    if let Error::MemoryError(_) = cause {
        return LuaError::Memory;
    }
    if let Some(limit) = cause.limit() {
        return LuaError::Uncatchable(limit);
    }
    let thread = call.running().0;
    let traceback = call.traceback(thread, None, 0);
    let error = Error::CallbackError {
        traceback: String::from_utf8_lossy(&traceback).into_owned(),
        cause: Arc::new(cause),
    };
    match lua.error_object(error) {
        Ok(object) => LuaError::Runtime(object),
        Err(_) => LuaError::Memory,
    }
}

/// What `function` answers, within a native function; what it fails with, as a callback raises it.
#[cfg(feature = "async")]
pub(crate) fn called<T>(
    call: &mut Call<'_>,
    lua: &Lua,
    function: impl FnOnce(&Lua) -> Result<T>,
) -> std::result::Result<T, LuaError> {
    match catch_unwind(AssertUnwindSafe(|| function(lua))) {
        Ok(answer) => answer.map_err(|error| raised(call, lua, error)),
        Err(payload) => Err(panicked(lua, payload)),
    }
}

/// What `function` answers, at a place that is no callback's; what it fails with, as what is raised.
pub(crate) fn answer<T>(
    lua: &Lua,
    function: impl FnOnce(&Lua) -> Result<T>,
) -> std::result::Result<T, LuaError> {
    match catch_unwind(AssertUnwindSafe(|| function(lua))) {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(Error::MemoryError(_))) => Err(LuaError::Memory),
        Ok(Err(error)) => Err(match error.limit() {
            Some(limit) => LuaError::Uncatchable(limit),
            None => match lua.error_object(error) {
                Ok(object) => LuaError::Runtime(object),
                Err(_) => LuaError::Memory,
            },
        }),
        Err(payload) => Err(panicked(lua, payload)),
    }
}

/// The Lua error that a panic travels as.
#[cold]
fn panicked(lua: &Lua, payload: Payload) -> LuaError {
    match lua.panic_object(payload) {
        Some(object) => LuaError::Runtime(object),
        None => LuaError::Memory,
    }
}

impl Lua {
    /// A native function that works with `content`.
    ///
    /// # Errors
    /// Memory.
    pub(crate) fn new_callback<T: 'static>(
        &self,
        function: NativeFn,
        content: T,
    ) -> Result<Function> {
        self.new_callback_of(function, &CALLBACK, content)
    }

    /// Likewise, a function of another kind.
    ///
    /// # Errors
    /// Memory.
    pub(crate) fn new_callback_of<T: 'static>(
        &self,
        function: NativeFn,
        description: &'static NativeDescription,
        content: T,
    ) -> Result<Function> {
        let entered = self.enter();
        self.prepare_failures()?;
        self.safepoint();
        let callback = Callback {
            lua: self.uncounted(),
            content,
        };
        // SAFETY: the machine lives as long as the state, and nothing collects before the function is
        // rooted.
        let made = unsafe {
            let heap = &mut (*entered.vm()).heap;
            let userdata = heap.new_userdata(callback, std::ptr::null_mut(), 0);
            userdata.and_then(|userdata| {
                let closure = heap.new_native_closure(function, description, 1)?;
                *NativeClosure::upvalue(closure, 0) = raw::Value::userdata(userdata);
                Ok(raw::Value::native_closure(closure))
            })
        };
        match made {
            Ok(closure) => Ok(Function(Handle::new(&self.state, closure))),
            Err(_) => Err(Error::memory()),
        }
    }

    /// A callback that does what this one does, and is known to do nothing but read a plain field, or
    /// store to one.
    ///
    /// # Errors
    /// Memory.
    pub(crate) fn plain_accessor(
        &self,
        callback: &Function,
        plain: PlainField,
    ) -> Result<Function> {
        let entered = self.enter();
        self.safepoint();
        let known: *mut NativeClosure = callback.0.raw().as_pointer();
        // SAFETY: the handle keeps the callback alive, which has its upvalue; the machine lives as long
        // as the state, and nothing collects before the new function is rooted.
        let made = unsafe {
            let heap = &mut (*entered.vm()).heap;
            let closure = heap.new_native_closure((*known).function, &PLAIN, 3);
            closure.map(|closure| {
                let [place, contents] = plain.upvalues();
                *NativeClosure::upvalue(closure, 0) = *NativeClosure::upvalue(known, 0);
                *NativeClosure::upvalue(closure, 1) = place;
                *NativeClosure::upvalue(closure, 2) = contents;
                raw::Value::native_closure(closure)
            })
        };
        match made {
            Ok(closure) => Ok(Function(Handle::new(&self.state, closure))),
            Err(_) => Err(Error::memory()),
        }
    }

    /// A Lua function that calls `function` with the state and its arguments. An error that it
    /// returns is raised; a panic goes on where it leaves Lua, unless Lua code catches it.
    ///
    /// What `function` captures is dropped with the Lua function. It may capture handles of its own
    /// state, but not the [`Lua`], which would keep the state for ever: it is given one.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let greet = lua.create_function(|_, name: String| Ok(format!("Hello, {name}!")))?;
    /// lua.globals().set("greet", greet)?;
    /// assert_eq!(lua.load("greet('moon')").eval::<String>()?, "Hello, moon!");
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// Memory.
    pub fn create_function<F, A, R>(&self, function: F) -> Result<Function>
    where
        F: Fn(&Lua, A) -> Result<R> + MaybeSend + 'static,
        A: FromLuaMulti,
        R: IntoLuaMulti,
    {
        self.new_callback(run::<F, A, R>, function)
    }

    /// Likewise, for a function that needs its captures for itself: while it runs, calling it again
    /// is [`Error::RecursiveMutCallback`].
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let mut count = 0;
    /// let next = lua.create_function_mut(move |_, ()| {
    ///     count += 1;
    ///     Ok(count)
    /// })?;
    /// assert_eq!((next.call::<i64>(())?, next.call::<i64>(())?), (1, 2));
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// Memory.
    pub fn create_function_mut<F, A, R>(&self, function: F) -> Result<Function>
    where
        F: FnMut(&Lua, A) -> Result<R> + MaybeSend + 'static,
        A: FromLuaMulti,
        R: IntoLuaMulti,
    {
        let function = RefCell::new(function);
        self.create_function(move |lua, args| {
            let mut function = function
                .try_borrow_mut()
                .map_err(|_| Error::RecursiveMutCallback)?;
            (*function)(lua, args)
        })
    }
}
