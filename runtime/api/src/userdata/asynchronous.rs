//! Asynchronous functions of userdata types (feature `async`).
//!
//! Each is an asynchronous callback (`future.rs`) that finds the userdata among its arguments. A future holds a
//! reference to the value (`reference.rs`) and not a borrow for the time of a call: other code runs while it
//! waits.

use super::method::Maker;
use super::short_type_name;
use crate::future::body;
use crate::{
    AnyUserData, Error, FromLuaMulti, IntoLuaMulti, Lua, MaybeSend, MultiValue, Result,
    UserDataRef, UserDataRefMut, Value,
};

/// A method whose future reads the value.
pub(super) fn shared<T, M, A, W, R>(name: String, method: M) -> Maker
where
    T: 'static,
    M: Fn(Lua, UserDataRef<T>, A) -> W + MaybeSend + 'static,
    A: FromLuaMulti,
    W: Future<Output = Result<R>> + MaybeSend + 'static,
    R: IntoLuaMulti,
{
    with_value::<T, _, _, _, _, _>(name, |this| this.borrow(), method)
}

/// A method whose future changes the value.
pub(super) fn exclusive<T, M, A, W, R>(name: String, method: M) -> Maker
where
    T: 'static,
    M: Fn(Lua, UserDataRefMut<T>, A) -> W + MaybeSend + 'static,
    A: FromLuaMulti,
    W: Future<Output = Result<R>> + MaybeSend + 'static,
    R: IntoLuaMulti,
{
    with_value::<T, _, _, _, _, _>(name, |this| this.borrow_mut(), method)
}

/// A method whose future consumes the value.
pub(super) fn once<T, M, A, W, R>(name: String, method: M) -> Maker
where
    T: 'static,
    M: Fn(Lua, T, A) -> W + MaybeSend + 'static,
    A: FromLuaMulti,
    W: Future<Output = Result<R>> + MaybeSend + 'static,
    R: IntoLuaMulti,
{
    with_value::<T, _, _, _, _, _>(name, |this| this.take(), method)
}

/// A function of all arguments.
pub(super) fn function<F, A, W, R>(name: String, function: F) -> Maker
where
    F: Fn(Lua, A) -> W + MaybeSend + 'static,
    A: FromLuaMulti,
    W: Future<Output = Result<R>> + MaybeSend + 'static,
    R: IntoLuaMulti,
{
    Box::new(move |lua| {
        lua.create_async_callback(move |lua, args| {
            let args = A::from_lua_args(args, 1, Some(&name), &lua)?;
            Ok(body(&lua, function(lua.clone(), args)))
        })
    })
}

/// A method that gets the value, or a reference to it, by `access`.
fn with_value<T, V, M, A, W, R>(
    name: String,
    access: fn(&AnyUserData) -> Result<V>,
    method: M,
) -> Maker
where
    T: 'static,
    V: 'static,
    M: Fn(Lua, V, A) -> W + MaybeSend + 'static,
    A: FromLuaMulti,
    W: Future<Output = Result<R>> + MaybeSend + 'static,
    R: IntoLuaMulti,
{
    Box::new(move |lua| {
        lua.create_async_callback(move |lua, mut args| {
            let refused = |cause| Error::bad_self_argument(&name, cause);
            let this = receiver::<T>(&mut args).map_err(refused)?;
            // A value that is taken out is gone: the other arguments have to be right before.
            match A::from_lua_args(args, 2, Some(&name), &lua) {
                Ok(args) => {
                    let this = access(&this).map_err(refused)?;
                    Ok(body(&lua, method(lua.clone(), this, args)))
                }
                Err(error) => {
                    this.borrow::<T>().map_err(refused)?;
                    Err(error)
                }
            }
        })
    })
}

/// The userdata for which a method was called.
fn receiver<T>(args: &mut MultiValue) -> Result<AnyUserData> {
    match args.pop_front() {
        Some(Value::UserData(userdata)) => Ok(userdata),
        Some(other) => {
            let why = format!("expected userdata of type '{}'", short_type_name::<T>());
            Err(Error::from_lua(other.type_name(), "userdata", Some(&why)))
        }
        None => Err(Error::from_lua("missing argument", "userdata", None)),
    }
}
