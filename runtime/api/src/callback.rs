//! Rust functions as Lua functions, and how Rust errors and panics pass through Lua.
//!
//! A callback is a native closure whose only upvalue is a userdata that holds the Rust closure and
//! the way back to the state. What it fails with becomes an error object: a userdata that holds the
//! error. A panic does not unwind through Lua frames: it travels as such an object as well, and goes
//! on where the error leaves Lua.

use crate::handle::Handle;
use crate::state::State;
use crate::{
    Error, FromLuaMulti, Function, IntoLuaMulti, Lua, MaybeSend, MultiValue, Result, Value,
};
use perilune_runtime::error::LuaError;
use perilune_runtime::native;
use perilune_runtime::native::{Action, Call, Local, LocalView, Native, NativeResult};
use perilune_runtime::userdata::Userdata;
use perilune_runtime::value as raw;
use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::{Rc, Weak};
use std::sync::Arc;

/// What an error object of ours holds.
enum Failure {
    /// An error.
    Error(Error),
    /// What a panic carries; taken when it goes on.
    Panic(Option<Box<dyn Any + Send>>),
}

/// What a callback does.
type Body = dyn Fn(&Lua, MultiValue) -> Result<MultiValue>;

/// What the upvalue of a callback holds.
struct Callback {
    state: Weak<State>,
    body: Rc<Body>,
}

const CALLBACK: Native = native!("?", run_callback, private_upvalues);
const FAILURE_TEXT: Native = native!("__tostring", failure_text);

/// The name under which the metatable of error objects is registered.
const FAILURE: &str = "error";

/// The failure that a value is.
fn failure(value: raw::Value) -> Option<&'static RefCell<Failure>> {
    if value.tag != raw::USERDATA {
        return None;
    }
    // SAFETY: the callers hold the value, and use the reference only while they do.
    unsafe {
        let userdata: *mut Userdata = value.as_pointer();
        Userdata::cell(userdata)
    }
}

/// The error that a value is, if it is one.
pub(crate) fn error_of(value: raw::Value) -> Option<Error> {
    match &*failure(value)?.try_borrow().ok()? {
        Failure::Error(error) => Some(error.clone()),
        Failure::Panic(_) => None,
    }
}

/// Goes on with the panic that `value` carries, if it carries one.
pub(crate) fn go_on_with_panic(value: raw::Value) {
    if let Some(cell) = failure(value)
        && let Ok(mut failure) = cell.try_borrow_mut()
        && let Failure::Panic(payload) = &mut *failure
    {
        let payload = payload.take();
        drop(failure);
        if let Some(payload) = payload {
            std::panic::resume_unwind(payload);
        }
    }
}

/// `__tostring` of error objects.
fn failure_text(call: &mut Call<'_>) -> NativeResult {
    let text = match failure(call.slot(1).raw()).and_then(|cell| cell.try_borrow().ok()) {
        Some(failure) => match &*failure {
            Failure::Error(error) => error.to_string(),
            Failure::Panic(Some(payload)) => match payload.downcast_ref::<String>() {
                Some(text) => text.clone(),
                None => payload
                    .downcast_ref::<&str>()
                    .map_or_else(|| "<panic>".to_owned(), |text| (*text).to_owned()),
            },
            Failure::Panic(None) => "previously resumed panic".to_owned(),
        },
        None => "<error>".to_owned(),
    };
    let text = call.new_string(text.as_bytes())?;
    Ok(call.return_one(text))
}

/// An error object.
fn failure_object(
    call: &mut Call<'_>,
    failure: Failure,
) -> perilune_runtime::error::Result<raw::Value> {
    let (metatable, is_new) = call.new_metatable(FAILURE)?;
    if is_new {
        let text = call.new_function(FAILURE_TEXT)?;
        call.table_set_str(metatable, b"__tostring", text)?;
        call.table_set_str(metatable, b"__metatable", Local::boolean(false))?;
    }
    let object = call.new_userdata(failure, Some(FAILURE), 0)?;
    Ok(Local::from(object).raw())
}

/// The error object for `error`; the caller roots it before anything collects.
///
/// # Errors
/// Memory.
pub(crate) fn error_object(lua: &Lua, error: Error) -> Result<raw::Value> {
    let mut object = raw::Value::NIL;
    lua.with_call(|call| {
        object = failure_object(call, Failure::Error(error))?;
        Ok(())
    })?;
    Ok(object)
}

fn run_callback(call: &mut Call<'_>) -> NativeResult {
    let LocalView::Userdata(userdata) = call.upvalue(1).view() else {
        return Err(call.error("callback without its function"));
    };
    let found = call
        .userdata_mut::<Callback>(userdata)
        .map(|callback| (callback.state.upgrade(), callback.body.clone()));
    let Some((Some(state), body)) = found else {
        return destructed(call);
    };
    let Ok(lua) = Lua::of(&state) else {
        return raise(call, Error::CallbackDestructed);
    };
    let args = (1..=call.arg_count()).map(|n| Value::from_raw(&lua.state, call.slot(n).raw()));
    let args: MultiValue = args.collect();
    let outcome = catch_unwind(AssertUnwindSafe(|| body(&lua, args)));
    let outcome = outcome.map(|results| results.and_then(|r| return_values(&lua, call, r)));
    conclude(call, outcome)
}

/// Returns what a Rust function has returned.
pub(crate) fn return_values(lua: &Lua, call: &mut Call<'_>, results: MultiValue) -> Result<Action> {
    let mut locals = Vec::with_capacity(results.len());
    for value in &results {
        let value = value.to_raw(&lua.state)?;
        // SAFETY: a value of this state, which the handle in `results` keeps alive.
        locals.push(unsafe { Local::from_raw(value) });
    }
    call.return_values(&locals)
        .map_err(|error| lua.state.describe(error).into())
}

/// How a call of a Rust function ends: with its action, its error, or its panic.
pub(crate) fn conclude(
    call: &mut Call<'_>,
    outcome: std::thread::Result<Result<Action>>,
) -> NativeResult {
    match outcome {
        Ok(Ok(action)) => Ok(action),
        Ok(Err(Error::MemoryError(_))) => Err(LuaError::Memory),
        Ok(Err(cause)) if cause.limit().is_some() => Err(cause
            .limit()
            .map_or(LuaError::Memory, LuaError::Uncatchable)),
        Ok(Err(cause)) => raise_callback_error(call, cause),
        Err(payload) => {
            let object = failure_object(call, Failure::Panic(Some(payload)))?;
            Err(LuaError::Runtime(object))
        }
    }
}

/// Raises what a Rust function has failed with.
fn raise_callback_error(call: &mut Call<'_>, cause: Error) -> NativeResult {
    let thread = call.running().0;
    let traceback = call.traceback(thread, None, 0);
    let error = Error::CallbackError {
        traceback: String::from_utf8_lossy(&traceback).into_owned(),
        cause: Arc::new(cause),
    };
    raise(call, error)
}

/// Raises that the function is gone, or its state is.
pub(crate) fn destructed(call: &mut Call<'_>) -> NativeResult {
    raise_callback_error(call, Error::CallbackDestructed)
}

/// `error` as what is raised at a place that is no callback's.
fn raised(lua: &Lua, error: Error) -> LuaError {
    match (error.limit(), error) {
        (Some(limit), _) => LuaError::Uncatchable(limit),
        (None, Error::MemoryError(_)) => LuaError::Memory,
        (None, error) => match error_object(lua, error) {
            Ok(object) => LuaError::Runtime(object),
            Err(_) => LuaError::Memory,
        },
    }
}

/// What `function` answers; what it fails with, as what is raised.
pub(crate) fn answer<T>(
    lua: &Lua,
    function: impl FnOnce(&Lua) -> Result<T>,
) -> std::result::Result<T, LuaError> {
    let payload = match catch_unwind(AssertUnwindSafe(|| function(lua))) {
        Ok(Ok(answer)) => return Ok(answer),
        Ok(Err(error)) => return Err(raised(lua, error)),
        Err(payload) => payload,
    };
    let mut object = raw::Value::NIL;
    let made = lua.with_call(|call| {
        object = failure_object(call, Failure::Panic(Some(payload)))?;
        Ok(())
    });
    Err(match made {
        Ok(()) => LuaError::Runtime(object),
        Err(_) => LuaError::Memory,
    })
}

fn raise(call: &mut Call<'_>, error: Error) -> NativeResult {
    let object = failure_object(call, Failure::Error(error))?;
    Err(LuaError::Runtime(object))
}

impl Lua {
    /// A Lua function that calls `function` with the state and its arguments. An error that it
    /// returns is raised; a panic goes on where it leaves Lua, unless Lua code catches it.
    ///
    /// # Errors
    /// Memory.
    pub fn create_function<F, A, R>(&self, function: F) -> Result<Function>
    where
        F: Fn(&Lua, A) -> Result<R> + MaybeSend + 'static,
        A: FromLuaMulti,
        R: IntoLuaMulti,
    {
        let body: Rc<Body> = Rc::new(move |lua: &Lua, args: MultiValue| {
            function(lua, A::from_lua_args(args, 1, None, lua)?)?.into_lua_multi(lua)
        });
        let mut made = raw::Value::NIL;
        self.with_call(|call| {
            let callback = Callback {
                state: Rc::downgrade(&self.state),
                body,
            };
            let userdata = call.new_userdata(callback, None, 0)?;
            made = call.new_closure(CALLBACK, &[userdata.into()])?.raw();
            Ok(())
        })?;
        // Nothing has collected since it was made.
        Ok(Function(Handle::new(&self.state, made)))
    }

    /// Likewise, for a function that needs its captures for itself: while it runs, calling it again
    /// is [`Error::RecursiveMutCallback`].
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
