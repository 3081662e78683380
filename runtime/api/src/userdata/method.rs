//! Functions of userdata types as Lua functions.
//!
//! Each is a native closure whose upvalue is a userdata that holds a [`Method`]: a Rust closure that
//! finds its arguments in the slots of the call. A method borrows the value of its first argument for
//! the time of the call.

use super::borrow::Target;
use super::name::short_type_name;
use crate::callback::{conclude, destructed, return_values};
use crate::handle::Handle;
use crate::state::State;
use crate::{
    AnyUserData, Error, FromLua, FromLuaMulti, Function, IntoLua, IntoLuaMulti, Lua, MultiValue,
    Result, Value,
};
use perilune_runtime::function::NativeClosure;
use perilune_runtime::native;
use perilune_runtime::native::{Action, Call, Local, Native, NativeResult};
use perilune_runtime::userdata::{Boxed, Userdata};
use perilune_runtime::value as raw;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::{Rc, Weak};

/// What a method does with a call.
pub(crate) type Body = dyn Fn(&Lua, &mut Call<'_>) -> Result<Action>;

/// What the upvalue of a method holds.
pub(crate) struct Method {
    state: Weak<State>,
    body: Box<Body>,
}

const METHOD: Native = native!("?", run_method, private_upvalues, intrinsic Embedded);

fn run_method(call: &mut Call<'_>) -> NativeResult {
    let upvalue = call.upvalue(1).raw();
    if upvalue.tag != raw::USERDATA {
        return destructed(call);
    }
    let userdata: *mut Userdata = upvalue.as_pointer();
    // SAFETY: the running closure holds the userdata; while it is in use its value is not taken.
    unsafe {
        let Some(method) = Userdata::value_of::<Method>(userdata).as_ref() else {
            return destructed(call);
        };
        let (Some(state), true) = (method.state.upgrade(), Userdata::share(userdata)) else {
            return destructed(call);
        };
        let Ok(lua) = Lua::of(&state) else {
            Userdata::end_use(userdata);
            return destructed(call);
        };
        let outcome = catch_unwind(AssertUnwindSafe(|| (method.body)(&lua, call)));
        Userdata::end_use(userdata);
        conclude(call, outcome)
    }
}

/// A Lua function that does what `body` does.
///
/// # Errors
/// Memory.
pub(crate) fn create(lua: &Lua, body: Box<Body>) -> Result<Function> {
    let method = Method {
        state: Rc::downgrade(&lua.state),
        body,
    };
    let mut made = raw::Value::NIL;
    lua.with_call(|call| {
        // SAFETY: nothing collects before the closure is rooted.
        let holder = unsafe {
            let heap = &mut (*lua.vm()).heap;
            let userdata = heap.new_userdata(method, std::ptr::null_mut(), 0)?;
            Local::from_raw(raw::Value::userdata(userdata))
        };
        made = call.new_closure(METHOD, &[holder])?.raw();
        Ok(())
    })?;
    // Nothing has collected since it was made.
    Ok(Function(Handle::new(&lua.state, made)))
}

/// Likewise, of a function that does not live for ever.
///
/// # Safety
/// [`take_body`] is called before anything that the function refers to goes away.
pub(crate) unsafe fn create_scoped<'a>(lua: &Lua, body: Box<ScopedBody<'a>>) -> Result<Function> {
    // SAFETY: only the lifetime differs, and the caller sees to that.
    create(lua, unsafe {
        std::mem::transmute::<Box<ScopedBody<'a>>, Box<Body>>(body)
    })
}

/// A body that borrows.
pub(crate) type ScopedBody<'a> = dyn Fn(&Lua, &mut Call<'_>) -> Result<Action> + 'a;

/// The body of a function of a scope.
pub(crate) fn scoped_body<'a, F, A, R>(function: F) -> Box<ScopedBody<'a>>
where
    F: Fn(&Lua, A) -> Result<R> + 'a,
    A: FromLuaMulti,
    R: IntoLuaMulti,
{
    Box::new(move |lua, call| {
        let args = arguments(lua, call, 1, 1, None)?;
        results(lua, call, function(lua, args)?)
    })
}

/// Takes the body out of a function; calls of it raise an error from here on.
pub(crate) fn take_body(function: &Function) -> Option<Boxed> {
    // SAFETY: the handle keeps the closure alive, and that its upvalue.
    unsafe {
        let closure: *mut NativeClosure = function.0.raw().as_pointer();
        let holder = *NativeClosure::upvalue(closure, 0);
        let userdata: *mut Userdata = holder.as_pointer();
        if (*userdata).uses != 0 {
            // A call began before the function's scope ended and goes on: that can't be, and there
            // is no sound way on.
            std::process::abort();
        }
        Userdata::take(userdata)
    }
}

/// The arguments of a call from slot `first` on, the first of which is number `number`.
pub(super) fn arguments<A: FromLuaMulti>(
    lua: &Lua,
    call: &Call<'_>,
    first: u32,
    number: usize,
    name: Option<&str>,
) -> Result<A> {
    let values = (first..=call.arg_count()).map(|n| slot(lua, call, n));
    let values: MultiValue = values.collect();
    A::from_lua_args(values, number, name, lua)
}

/// The value in a slot of a call.
pub(super) fn slot(lua: &Lua, call: &Call<'_>, n: u32) -> Value {
    Value::from_raw(&lua.state, call.slot(n).raw())
}

/// Returns what a Rust function has returned.
fn results<R: IntoLuaMulti>(lua: &Lua, call: &mut Call<'_>, values: R) -> Result<Action> {
    return_values(lua, call, values.into_lua_multi(lua)?)
}

/// A method that reads the value; its arguments begin in slot `first`.
pub(super) fn shared<T, M, A, R>(target: Target, name: String, first: u32, method: M) -> Box<Body>
where
    M: Fn(&Lua, &T, A) -> Result<R> + 'static,
    A: FromLuaMulti,
    R: IntoLuaMulti,
{
    Box::new(move |lua, call| {
        let args = arguments(lua, call, first, 2, Some(&name));
        let userdata = receiver::<T>(call, &name)?;
        // SAFETY: the call's slot keeps the userdata alive, and its use the value.
        let values = unsafe { target.share(userdata, |this| method(lua, this, args?)) };
        let values = values.map_err(|cause| Error::bad_self_argument(&name, cause))??;
        results(lua, call, values)
    })
}

/// A method that changes the value; its arguments begin in slot `first`.
pub(super) fn exclusive<T, M, A, R>(
    target: Target,
    name: String,
    first: u32,
    method: M,
) -> Box<Body>
where
    M: FnMut(&Lua, &mut T, A) -> Result<R> + 'static,
    A: FromLuaMulti,
    R: IntoLuaMulti,
{
    let method = RefCell::new(method);
    Box::new(move |lua, call| {
        let Ok(mut method) = method.try_borrow_mut() else {
            return Err(Error::RecursiveMutCallback);
        };
        let args = arguments(lua, call, first, 2, Some(&name));
        let userdata = receiver::<T>(call, &name)?;
        // SAFETY: as in `shared`.
        let values = unsafe { target.exclude(userdata, |this| method(lua, this, args?)) };
        let values = values.map_err(|cause| Error::bad_self_argument(&name, cause))??;
        results(lua, call, values)
    })
}

/// A function of all arguments.
pub(super) fn function<F, A, R>(name: String, function: F) -> Box<Body>
where
    F: Fn(&Lua, A) -> Result<R> + 'static,
    A: FromLuaMulti,
    R: IntoLuaMulti,
{
    Box::new(move |lua, call| {
        let args = arguments(lua, call, 1, 1, Some(&name))?;
        results(lua, call, function(lua, args)?)
    })
}

/// A function of all arguments that changes what it has captured.
pub(super) fn function_mut<F, A, R>(name: String, function: F) -> Box<Body>
where
    F: FnMut(&Lua, A) -> Result<R> + 'static,
    A: FromLuaMulti,
    R: IntoLuaMulti,
{
    let function = RefCell::new(function);
    Box::new(move |lua, call| {
        let Ok(mut function) = function.try_borrow_mut() else {
            return Err(Error::RecursiveMutCallback);
        };
        let args = arguments(lua, call, 1, 1, Some(&name))?;
        results(lua, call, function(lua, args)?)
    })
}

/// A getter as a function of the userdata.
pub(super) fn getter<F, R>(name: String, function: F) -> Box<Body>
where
    F: Fn(&Lua, AnyUserData) -> Result<R> + 'static,
    R: IntoLua,
{
    Box::new(move |lua, call| {
        let this = AnyUserData::from_lua_arg(slot(lua, call, 1), 1, Some(&name), lua)?;
        results(lua, call, function(lua, this)?)
    })
}

/// A setter as a function of the userdata and the value, which stands in slot 3.
pub(super) fn setter<F, A>(name: String, function: F) -> Box<Body>
where
    F: FnMut(&Lua, AnyUserData, A) -> Result<()> + 'static,
    A: FromLua,
{
    let function = RefCell::new(function);
    Box::new(move |lua, call| {
        let Ok(mut function) = function.try_borrow_mut() else {
            return Err(Error::RecursiveMutCallback);
        };
        let this = AnyUserData::from_lua_arg(slot(lua, call, 1), 1, Some(&name), lua)?;
        let value = arguments(lua, call, 3, 2, Some(&name))?;
        results(lua, call, function(lua, this, value)?)
    })
}

/// The userdata for which a method was called.
fn receiver<T>(call: &Call<'_>, name: &str) -> Result<*mut Userdata> {
    let this = call.slot(1).raw();
    if this.tag == raw::USERDATA {
        return Ok(this.as_pointer());
    }
    Err(not_userdata::<T>(call, name))
}

#[cold]
fn not_userdata<T>(call: &Call<'_>, name: &str) -> Error {
    let cause = if call.arg_count() == 0 {
        Error::from_lua("missing argument", "userdata", None)
    } else {
        let why = format!("expected userdata of type '{}'", short_type_name::<T>());
        Error::from_lua(call.slot(1).type_name(), "userdata", Some(&why))
    };
    Error::bad_self_argument(name, cause)
}
