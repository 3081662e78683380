//! Functions of userdata types as Lua functions.
//!
//! Each is a callback (`callback.rs`) whose native function finds the userdata in its first slot, and
//! borrows the value for the time of the call.

use super::borrow::Target;
use super::name::short_type_name;
use crate::callback::{Callback, enter};
use crate::stack::Slots;
use crate::{
    AnyUserData, Error, FromLua, FromLuaMulti, Function, IntoLua, IntoLuaMulti, Lua, Result,
};
use perilune_runtime::native::{Call, NativeResult};
use perilune_runtime::userdata::Userdata;
use perilune_runtime::value as raw;
use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;

/// What a method works with.
struct Content<M> {
    target: Target,
    /// As messages have it.
    name: Box<str>,
    /// How many slots stand between the userdata and the arguments: an accessor is given the key.
    skipped: usize,
    method: M,
}

/// A function that is yet to be made.
pub(crate) type Maker = Box<dyn FnOnce(&Lua) -> Result<Function>>;

/// The number of a method's first argument, behind the userdata.
const FIRST: usize = 2;

/// A method that reads the value.
pub(super) fn shared<T, M, A, R>(target: Target, name: String, skipped: usize, method: M) -> Maker
where
    M: Fn(&Lua, &T, A) -> Result<R> + 'static,
    A: FromLuaMulti,
    R: IntoLuaMulti,
{
    let content = Content {
        target,
        name: name.into(),
        skipped,
        method,
    };
    Box::new(move |lua| lua.new_callback(run_shared::<T, M, A, R>, content))
}

fn run_shared<T, M, A, R>(call: &mut Call<'_>) -> NativeResult
where
    M: Fn(&Lua, &T, A) -> Result<R> + 'static,
    A: FromLuaMulti,
    R: IntoLuaMulti,
{
    // SAFETY: `shared` makes it with this content.
    let (lua, this) = unsafe { Callback::<Content<M>>::of(call) };
    enter(call, lua, |lua, slots| {
        let userdata = receiver::<T>(slots, &this.name)?;
        let args = slots.from(1 + this.skipped);
        // SAFETY: the slot keeps the userdata alive, and a userdata that is freed while it is in use
        // does not drop its value.
        unsafe {
            let args = match A::from_slots_args(args, FIRST, Some(&this.name)) {
                Ok(args) => args,
                Err(error) => {
                    let found = this.target.share(userdata, |_: &T| ());
                    return Err(refused(&this.name, found, error));
                }
            };
            if let Ok((value, _lease)) = this.target.own_shared::<T>(userdata) {
                return (this.method)(lua, &*value, args);
            }
            let values = this
                .target
                .share(userdata, |value| (this.method)(lua, value, args));
            values.map_err(|cause| Error::bad_self_argument(&this.name, cause))?
        }
    })
}

/// A method that changes the value.
pub(super) fn exclusive<T, M, A, R>(
    target: Target,
    name: String,
    skipped: usize,
    method: M,
) -> Maker
where
    M: FnMut(&Lua, &mut T, A) -> Result<R> + 'static,
    A: FromLuaMulti,
    R: IntoLuaMulti,
{
    let content = Content {
        target,
        name: name.into(),
        skipped,
        method: RefCell::new(method),
    };
    Box::new(move |lua| lua.new_callback(run_exclusive::<T, M, A, R>, content))
}

fn run_exclusive<T, M, A, R>(call: &mut Call<'_>) -> NativeResult
where
    M: FnMut(&Lua, &mut T, A) -> Result<R> + 'static,
    A: FromLuaMulti,
    R: IntoLuaMulti,
{
    // SAFETY: `exclusive` makes it with this content.
    let (lua, this) = unsafe { Callback::<Content<RefCell<M>>>::of(call) };
    enter(call, lua, |lua, slots| {
        let Ok(mut method) = this.method.try_borrow_mut() else {
            return Err(Error::RecursiveMutCallback);
        };
        let userdata = receiver::<T>(slots, &this.name)?;
        let args = slots.from(1 + this.skipped);
        // SAFETY: as in `run_shared`.
        unsafe {
            let args = match A::from_slots_args(args, FIRST, Some(&this.name)) {
                Ok(args) => args,
                Err(error) => {
                    let found = this.target.exclude(userdata, |_: &mut T| ());
                    return Err(refused(&this.name, found, error));
                }
            };
            if let Ok((value, _lease)) = this.target.own_exclusive::<T>(userdata) {
                return method(lua, &mut *value, args);
            }
            let values = this
                .target
                .exclude(userdata, |value| method(lua, value, args));
            values.map_err(|cause| Error::bad_self_argument(&this.name, cause))?
        }
    })
}

/// A function of all arguments.
pub(super) fn function<F, A, R>(name: String, function: F) -> Maker
where
    F: Fn(&Lua, A) -> Result<R> + 'static,
    A: FromLuaMulti,
    R: IntoLuaMulti,
{
    let content: (Box<str>, F) = (name.into(), function);
    Box::new(move |lua| lua.new_callback(run_function::<F, A, R>, content))
}

fn run_function<F, A, R>(call: &mut Call<'_>) -> NativeResult
where
    F: Fn(&Lua, A) -> Result<R> + 'static,
    A: FromLuaMulti,
    R: IntoLuaMulti,
{
    // SAFETY: `function` makes it with this content.
    let (lua, (name, function)) = unsafe { Callback::<(Box<str>, F)>::of(call) };
    enter(call, lua, |lua, slots| {
        function(lua, A::from_slots_args(slots, 1, Some(name))?)
    })
}

/// A function of all arguments that changes what it has captured.
pub(super) fn function_mut<F, A, R>(name: String, function: F) -> Maker
where
    F: FnMut(&Lua, A) -> Result<R> + 'static,
    A: FromLuaMulti,
    R: IntoLuaMulti,
{
    let changing = RefCell::new(function);
    self::function(name, move |lua, args| match changing.try_borrow_mut() {
        Ok(mut function) => function(lua, args),
        Err(_) => Err(Error::RecursiveMutCallback),
    })
}

/// A getter as a function of the userdata.
pub(super) fn getter<F, R>(name: String, getter: F) -> Maker
where
    F: Fn(&Lua, AnyUserData) -> Result<R> + 'static,
    R: IntoLua,
{
    function(name, getter)
}

/// A setter as a function of the userdata and the value, between which the key stands.
pub(super) fn setter<F, A>(name: String, setter: F) -> Maker
where
    F: FnMut(&Lua, AnyUserData, A) -> Result<()> + 'static,
    A: FromLua,
{
    let content: (Box<str>, RefCell<F>) = (name.into(), RefCell::new(setter));
    Box::new(move |lua| lua.new_callback(run_setter::<F, A>, content))
}

fn run_setter<F, A>(call: &mut Call<'_>) -> NativeResult
where
    F: FnMut(&Lua, AnyUserData, A) -> Result<()> + 'static,
    A: FromLua,
{
    // SAFETY: `setter` makes it with this content.
    let (lua, (name, setter)) = unsafe { Callback::<(Box<str>, RefCell<F>)>::of(call) };
    enter(call, lua, |lua, slots| {
        let Ok(mut setter) = setter.try_borrow_mut() else {
            return Err(Error::RecursiveMutCallback);
        };
        let this = AnyUserData::from_slot_arg(slots.get(0), 1, Some(name))?;
        let value = A::from_slot_arg(slots.get(2), FIRST, Some(name))?;
        setter(lua, this, value)
    })
}

/// Why a call with a bad argument is refused: for the userdata, if that is no good either.
#[cold]
fn refused(name: &str, found: Result<()>, argument: Error) -> Error {
    match found {
        Ok(()) => argument,
        Err(cause) => Error::bad_self_argument(name, cause),
    }
}

/// The userdata for which a method was called.
#[inline]
fn receiver<T>(slots: Slots<'_>, name: &str) -> Result<*mut Userdata> {
    let this = slots.get(0).raw();
    if this.tag == raw::USERDATA {
        return Ok(this.as_pointer());
    }
    Err(not_userdata::<T>(slots, name))
}

#[cold]
fn not_userdata<T>(slots: Slots<'_>, name: &str) -> Error {
    let cause = if slots.is_empty() {
        Error::from_lua("missing argument", "userdata", None)
    } else {
        let why = format!("expected userdata of type '{}'", short_type_name::<T>());
        Error::from_lua(slots.get(0).value().type_name(), "userdata", Some(&why))
    };
    Error::bad_self_argument(name, cause)
}

/// The function that all metamethods of userdata are whose value is gone.
///
/// # Errors
/// Memory.
pub(super) fn destructed(lua: &Lua) -> Result<Function> {
    lua.new_callback(raise_destructed, ())
}

fn raise_destructed(call: &mut Call<'_>) -> NativeResult {
    // SAFETY: `destructed` makes it with nothing.
    let (lua, ()) = unsafe { Callback::<()>::of(call) };
    enter::<()>(call, lua, |_, _| Err(Error::UserDataDestructed))
}

/// A function of a scope, until the scope takes it back.
struct Lent {
    /// Whether the scope has ended.
    has_ended: Cell<bool>,
    /// Not dropped with the Lua function, which may live longer than what the body refers to.
    body: RefCell<Option<ManuallyDrop<Box<LentBody>>>>,
}
type LentBody = Borrowing<'static>;
type Borrowing<'a> = dyn Fn(&mut Call<'_>, &Lua) -> NativeResult + 'a;

/// A Lua function that calls `function` until [`take_back`] is called.
///
/// # Errors
/// Memory.
///
/// # Safety
/// [`take_back`] is called before anything that the function refers to goes away.
pub(crate) unsafe fn lend<'a, F, A, R>(lua: &Lua, function: F) -> Result<Function>
where
    F: Fn(&Lua, A) -> Result<R> + 'a,
    A: FromLuaMulti,
    R: IntoLuaMulti,
{
    let body: Box<Borrowing<'a>> = Box::new(move |call, lua| {
        enter(call, lua, |lua, slots| {
            function(lua, A::from_slots_args(slots, 1, None)?)
        })
    });
    // SAFETY: only the lifetime differs, and the caller sees to that.
    let body: Box<LentBody> = unsafe { std::mem::transmute(body) };
    let lent = Lent {
        has_ended: Cell::new(false),
        body: RefCell::new(Some(ManuallyDrop::new(body))),
    };
    lua.new_callback(run_lent, lent)
}

fn run_lent(call: &mut Call<'_>) -> NativeResult {
    // SAFETY: `lend` makes it with this content.
    let (lua, lent) = unsafe { Callback::<Lent>::of(call) };
    match lent.body.try_borrow().as_deref() {
        Ok(Some(body)) if !lent.has_ended.get() => body(call, lua),
        _ => enter::<()>(call, lua, |_, _| Err(Error::CallbackDestructed)),
    }
}

/// Takes what was lent out of a function; calls of it raise an error from here on.
///
/// # Safety
/// [`lend`] has made the function, and its state is open.
pub(crate) unsafe fn take_back(function: &Function) -> Option<Box<LentBody>> {
    // SAFETY: the caller's contract; the handle keeps the function alive.
    let lent = unsafe { Callback::<Lent>::content_of(function) };
    lent.has_ended.set(true);
    // A call that began within the function's scope ends before it. One that did not would keep the body: it
    // stays where it is, and is never dropped.
    let body = lent.body.try_borrow_mut().ok()?.take()?;
    Some(ManuallyDrop::into_inner(body))
}
