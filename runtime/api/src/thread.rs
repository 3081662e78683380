//! Coroutines from Rust.

use crate::handle::{Handle, root};
use crate::lock::Shared;
use crate::stack::{Slots, Stack};
use crate::{
    Error, FromLuaMulti, Function, IntoLuaMulti, Lua, MaybeSend, MultiValue, Result, Value,
};
use perilune_runtime::coroutine::{Status, Thread as Coroutine};
use perilune_runtime::error::LuaError;
use perilune_runtime::native;
use perilune_runtime::native::{
    Action, Call, CallResult, Local, LocalView, Native, NativeResult, ThreadRef,
};
use perilune_runtime::value as raw;
use std::ops::{BitOr, BitOrAssign};

#[cfg(feature = "async")]
pub use crate::future::AsyncThread;
pub use crate::handle::Thread;

/// What a coroutine has yielded or returned.
pub(crate) enum Results<'a> {
    /// In slots.
    Slots(Slots<'a>),
    /// Taken from them.
    Values(MultiValue),
}

impl Results<'_> {
    /// The only value; nil when there is none, or there are others.
    #[cfg(feature = "async")]
    pub(crate) fn only(&self) -> raw::Value {
        match self {
            Results::Slots(slots) if slots.len() == 1 => slots.get(0).raw(),
            Results::Values(values) => match (values.len(), values.front()) {
                (1, Some(Value::LightUserData(pointer))) => raw::Value::light_userdata(pointer.0),
                _ => raw::Value::NIL,
            },
            Results::Slots(_) => raw::Value::NIL,
        }
    }

    /// What the values are as an `R`.
    ///
    /// # Errors
    /// What the conversion says.
    pub(crate) fn convert<R: FromLuaMulti>(self, lua: &Lua) -> Result<R> {
        match self {
            Results::Slots(slots) => R::from_slots(slots),
            Results::Values(values) => R::from_lua_multi(values, lua),
        }
    }
}

/// What a coroutine is doing.
///
/// ```
/// use perilune::thread::ThreadStatus;
/// let lua = perilune::Lua::new();
/// let thread = lua.create_thread(lua.load("coroutine.yield() error('no')").into_function()?)?;
/// assert_eq!(thread.status(), ThreadStatus::Resumable);
/// thread.resume::<()>(())?;
/// assert!(thread.resume::<()>(()).is_err());
/// assert_eq!(thread.status(), ThreadStatus::Error);
/// assert!(thread.is_error() && !thread.is_finished() && !thread.is_running() && !thread.is_normal());
/// # Ok::<(), perilune::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ThreadStatus {
    /// It has not started, or has yielded.
    Resumable,
    /// It runs.
    Running,
    /// It has resumed another one.
    Normal,
    /// It has ended.
    Finished,
    /// It has ended by an error.
    Error,
}

/// What of threads a callback wants to hear; see [`Lua::set_thread_event_callback`].
///
/// ```
/// use perilune::thread::ThreadTriggers;
/// let all = ThreadTriggers::ON_CREATE | ThreadTriggers::ON_RESUME | ThreadTriggers::ON_YIELD;
/// assert!(all.on_create && all.on_resume && all.on_yield);
/// let some = ThreadTriggers::new().on_create().on_resume().on_yield();
/// assert_eq!((some.on_create, some.on_yield), (all.on_create, all.on_yield));
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct ThreadTriggers {
    /// [`Lua::create_thread`] has made one.
    pub on_create: bool,
    /// [`Thread::resume`] is about to resume one.
    pub on_resume: bool,
    /// One has yielded to [`Thread::resume`].
    pub on_yield: bool,
}

impl ThreadTriggers {
    /// When threads are made.
    pub const ON_CREATE: ThreadTriggers = ThreadTriggers::new().on_create();
    /// When threads are resumed.
    pub const ON_RESUME: ThreadTriggers = ThreadTriggers::new().on_resume();
    /// When threads yield.
    pub const ON_YIELD: ThreadTriggers = ThreadTriggers::new().on_yield();

    /// Nothing.
    pub const fn new() -> ThreadTriggers {
        ThreadTriggers {
            on_create: false,
            on_resume: false,
            on_yield: false,
        }
    }

    /// Also when threads are made.
    #[must_use]
    pub const fn on_create(mut self) -> ThreadTriggers {
        self.on_create = true;
        self
    }

    /// Also when threads are resumed.
    #[must_use]
    pub const fn on_resume(mut self) -> ThreadTriggers {
        self.on_resume = true;
        self
    }

    /// Also when threads yield.
    #[must_use]
    pub const fn on_yield(mut self) -> ThreadTriggers {
        self.on_yield = true;
        self
    }
}

impl BitOr for ThreadTriggers {
    type Output = ThreadTriggers;

    fn bitor(self, other: ThreadTriggers) -> ThreadTriggers {
        ThreadTriggers {
            on_create: self.on_create || other.on_create,
            on_resume: self.on_resume || other.on_resume,
            on_yield: self.on_yield || other.on_yield,
        }
    }
}

impl BitOrAssign for ThreadTriggers {
    fn bitor_assign(&mut self, other: ThreadTriggers) {
        *self = *self | other;
    }
}

/// What has happened to a thread.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ThreadEvent {
    /// It was made.
    Create(Thread),
    /// It is about to be resumed.
    Resume(Thread),
    /// It has yielded.
    Yield(Thread),
}

/// What hears of that.
pub(crate) type ThreadEventCallback = Shared<dyn Fn(&Lua, ThreadEvent) -> Result<()>>;

/// `resume(thread, ...)`: `true` and what it yielded or returned, or `false`, the error and where it was
/// raised.
const RESUME: Native = native!("resume", resume);
/// `close(thread)`: as `coroutine.close`.
const CLOSE: Native = native!("close", close);

fn resume(call: &mut Call<'_>) -> NativeResult {
    if call.state() == 0 {
        let args = call.arg_count() - 1;
        call.shift_slots(1, 1)?;
        // The thread stays where its traceback is asked for.
        let thread = call.slot(2);
        call.shift_slots(1, 1)?;
        call.set_slot(1, thread);
        call.set_slot(2, Local::boolean(true));
        return Ok(Action::Resume {
            thread: 3,
            args,
            state: 1,
        });
    }
    if let CallResult::Returned(count) = call.result() {
        return Ok(Action::Return {
            first: 2,
            count: count + 1,
        });
    }
    let error = call.slot(3);
    let traceback = match call.slot(1).view() {
        LocalView::Thread(thread) => call.traceback(thread, None, 0),
        _ => Vec::new(),
    };
    let traceback = call.new_string(&traceback)?;
    call.return_values(&[Local::boolean(false), error, traceback])
}

fn close(call: &mut Call<'_>) -> NativeResult {
    if call.state() == 0 {
        return Ok(Action::CloseThread {
            thread: 1,
            state: 1,
        });
    }
    match call.result() {
        CallResult::Returned(_) => call.return_values(&[Local::boolean(true)]),
        CallResult::Failed => {
            let error = call.slot(1);
            call.return_values(&[Local::boolean(false), error])
        }
    }
}

impl Lua {
    /// A coroutine that will run `function`.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let squares = lua.load("for i = 1, 3 do coroutine.yield(i * i) end").into_function()?;
    /// let thread = lua.create_thread(squares)?;
    /// assert_eq!(thread.resume::<i64>(())?, 1);
    /// assert_eq!(thread.resume::<i64>(())?, 4);
    /// assert!(thread.is_resumable());
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// Memory; the function is of another state; what the callback of
    /// [`Lua::set_thread_event_callback`] says.
    pub fn create_thread(&self, function: Function) -> Result<Thread> {
        let _entered = self.enter();
        let function = Value::Function(function).to_raw(&self.state)?;
        let mut made = raw::Value::NIL;
        self.with_call(|call| {
            // SAFETY: a value of this state, which the handle keeps alive.
            let function = unsafe { Local::from_raw(function) };
            made = Local::from(call.new_thread(function)?).raw();
            Ok(())
        })?;
        // Nothing has collected since it was made.
        let thread = Thread(Handle::new(&self.state, made));
        self.tell_of_thread(
            |triggers| triggers.on_create,
            || ThreadEvent::Create(thread.clone()),
        )?;
        Ok(thread)
    }

    /// The running coroutine, or the main thread. For code in the coroutine that `Function::call_async`
    /// makes it is the one that has called that.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let is_running = lua.create_function(|lua, ()| Ok(lua.current_thread().is_running()))?;
    /// assert!(is_running.call::<bool>(())?);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn current_thread(&self) -> Thread {
        let entered = self.enter();
        // SAFETY: the machine lives as long as the state, and so does its running thread; a coroutine that
        // runs, or waits for one, has a resumer, which is live.
        let thread = unsafe {
            let mut thread = (*entered.vm()).thread;
            while (*thread).is_own {
                thread = (*thread).resumer;
            }
            (*thread).is_shown = true;
            thread
        };
        Thread(Handle::new(&self.state, raw::Value::thread(thread)))
    }

    /// Sets what hears of threads that Rust makes or resumes. It is not told of what it does itself. An
    /// error that it returns is that of the operation.
    ///
    /// ```
    /// use perilune::{Lua, thread::{ThreadEvent, ThreadTriggers}};
    /// use std::sync::{Arc, atomic::{AtomicU32, Ordering}};
    /// let (lua, count) = (Lua::new(), Arc::new(AtomicU32::new(0)));
    /// let yields = count.clone();
    /// lua.set_thread_event_callback(ThreadTriggers::ON_YIELD, move |_, event| {
    ///     assert!(matches!(event, ThreadEvent::Yield(thread) if thread.is_resumable()));
    ///     yields.fetch_add(1, Ordering::Relaxed);
    ///     Ok(())
    /// });
    /// let thread = lua.create_thread(lua.load("coroutine.yield()").into_function()?)?;
    /// thread.resume::<()>(())?; // yields
    /// lua.remove_thread_event_callback();
    /// thread.resume::<()>(())?; // returns
    /// assert_eq!(count.load(Ordering::Relaxed), 1);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn set_thread_event_callback<F>(&self, triggers: ThreadTriggers, callback: F)
    where
        F: Fn(&Lua, ThreadEvent) -> Result<()> + MaybeSend + 'static,
    {
        let entered = self.enter();
        let callback: ThreadEventCallback = Shared::new(callback);
        let before = entered
            .control
            .thread_events
            .replace(Some((triggers, callback)));
        drop(before);
    }

    /// Removes what [`Lua::set_thread_event_callback`] has set.
    pub fn remove_thread_event_callback(&self) {
        let entered = self.enter();
        let before = entered.control.thread_events.replace(None);
        drop(before);
    }

    fn tell_of_thread(
        &self,
        wants: impl Fn(&ThreadTriggers) -> bool,
        event: impl FnOnce() -> ThreadEvent,
    ) -> Result<()> {
        let entered = self.enter();
        let control = &entered.control;
        let callback = match &*control.thread_events.borrow() {
            Some((triggers, callback)) if wants(triggers) && !control.is_telling.get() => {
                callback.clone()
            }
            _ => return Ok(()),
        };
        control.is_telling.set(true);
        let told = callback(self, event());
        control.is_telling.set(false);
        told
    }

    /// The function that resumes coroutines, which is made once; for whom has entered the state.
    fn resume_function(&self) -> Result<raw::Value> {
        let (vm, parts) = (self.state.vm(), self.state.parts());
        let index = match parts.resume.get() {
            Some(index) => index,
            None => {
                let mut made = raw::Value::NIL;
                self.with_call(|call| {
                    made = call.new_function(RESUME)?.raw();
                    Ok(())
                })?;
                // SAFETY: the machine lives as long as the state.
                let index = unsafe { root(&mut *vm, made) };
                parts.resume.set(Some(index));
                index
            }
        };
        // SAFETY: likewise; the index is never freed.
        Ok(unsafe { (&(*vm).handles)[index] })
    }

    /// A native function that is made once; for whom has entered the state.
    fn native(&self, name: &str, function: Native) -> Result<raw::Value> {
        if let Value::Function(known) = self.named_registry_value::<Value>(name)? {
            return Ok(known.0.raw());
        }
        let mut made = raw::Value::NIL;
        self.with_call(|call| {
            made = call.new_function(function)?.raw();
            Ok(())
        })?;
        let function = Function(Handle::new(&self.state, made));
        self.set_named_registry_value(name, function)?;
        Ok(made)
    }
}

impl Thread {
    /// What `ask` makes of the thread.
    pub(crate) fn ask<T>(
        &self,
        ask: impl for<'c> FnOnce(&mut Call<'c>, ThreadRef<'c>) -> T,
    ) -> Option<T> {
        let mut answer = None;
        let lua = self.0.lua().ok()?;
        let asked = lua.with_call(|call| {
            // SAFETY: a value of this state, which the handle keeps alive.
            if let LocalView::Thread(thread) = unsafe { Local::from_raw(self.0.raw()) }.view() {
                answer = Some(ask(call, thread));
            }
            Ok(())
        });
        asked.ok().and(answer)
    }

    /// Resumes the coroutine: starts its function with `args`, or has the yield where it waits return
    /// them. Answers what it yields or returns.
    ///
    /// # Errors
    /// [`Error::CoroutineUnresumable`] when it runs, waits for another one, or has ended; the error by
    /// which it ends; what a conversion says.
    pub fn resume<R: FromLuaMulti>(&self, args: impl IntoLuaMulti) -> Result<R> {
        let lua = self.0.lua()?;
        self.resume_told(&lua, args, |results| results.convert(&lua))
    }

    /// Likewise, and has `read` look at what it yields or returns; who wants to hear of it does.
    ///
    /// # Errors
    /// As [`Thread::resume`], or what `read` says.
    pub(crate) fn resume_told<R>(
        &self,
        lua: &Lua,
        args: impl IntoLuaMulti,
        read: impl FnOnce(Results<'_>) -> Result<R>,
    ) -> Result<R> {
        if !self.is_resumable() {
            return Err(Error::CoroutineUnresumable);
        }
        lua.tell_of_thread(
            |triggers| triggers.on_resume,
            || ThreadEvent::Resume(self.clone()),
        )?;
        self.resume_by(lua, args, |results| {
            if self.is_resumable() {
                lua.tell_of_thread(
                    |triggers| triggers.on_yield,
                    || ThreadEvent::Yield(self.clone()),
                )?;
            }
            read(results)
        })
    }

    /// Resumes the coroutine, and has `read` look at what it yields or returns.
    ///
    /// # Errors
    /// The error by which it ends, or what a conversion or `read` says.
    pub(crate) fn resume_by<R>(
        &self,
        lua: &Lua,
        args: impl IntoLuaMulti,
        read: impl FnOnce(Results<'_>) -> Result<R>,
    ) -> Result<R> {
        let resume = lua.resume_function()?;
        let Some(mut stack) = Stack::new(lua) else {
            return read(Results::Values(self.resume_elsewhere(lua, resume, args)?));
        };
        stack.push_raw(resume)?;
        stack.push_raw(self.0.raw())?;
        args.push_into_stack_multi(&mut stack)?;
        let results = stack.call_noting(false)?;
        if results.get(0).raw().is_truthy() {
            return read(Results::Slots(results.from(1)));
        }
        let (error, traceback) = (results.get(1).value(), results.get(2).value());
        Err(failure(lua, Some(error), Some(traceback)))
    }

    /// Resumes the coroutine between two instructions of Lua code.
    #[cold]
    fn resume_elsewhere(
        &self,
        lua: &Lua,
        resume: raw::Value,
        args: impl IntoLuaMulti,
    ) -> Result<MultiValue> {
        let mut all = vec![Value::Thread(self.clone())];
        all.extend(args.into_lua_multi(lua)?);
        let mut values = lua.state.call(resume, &all, false)?.into_iter();
        match values.next() {
            Some(Value::Boolean(true)) => Ok(values.collect()),
            _ => Err(failure(lua, values.next(), values.next())),
        }
    }

    /// What the coroutine is doing.
    pub fn status(&self) -> ThreadStatus {
        let status = self.ask(|call, thread| match call.thread_status(thread) {
            "suspended" => ThreadStatus::Resumable,
            "running" => ThreadStatus::Running,
            "normal" => ThreadStatus::Normal,
            _ if call.has_thread_failed(thread) => ThreadStatus::Error,
            _ => ThreadStatus::Finished,
        });
        status.unwrap_or(ThreadStatus::Finished)
    }

    /// Whether it can be resumed.
    pub fn is_resumable(&self) -> bool {
        let Ok(_lua) = self.0.lua() else {
            return false;
        };
        let thread: *const Coroutine = self.0.raw().as_pointer();
        // SAFETY: the handle keeps the thread alive, and `_lua` the state.
        unsafe { (*thread).status == Status::Suspended }
    }

    /// Whether it runs.
    pub fn is_running(&self) -> bool {
        self.status() == ThreadStatus::Running
    }

    /// Whether it has resumed another coroutine.
    pub fn is_normal(&self) -> bool {
        self.status() == ThreadStatus::Normal
    }

    /// Whether it has ended.
    pub fn is_finished(&self) -> bool {
        self.status() == ThreadStatus::Finished
    }

    /// Whether it has ended by an error.
    pub fn is_error(&self) -> bool {
        self.status() == ThreadStatus::Error
    }

    /// Ends the coroutine, closing its to-be-closed variables.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let text = "local t <close> = setmetatable({}, {__close = function() closed = true end}) coroutine.yield()";
    /// let thread = lua.create_thread(lua.load(text).into_function()?)?;
    /// thread.resume::<()>(())?;
    /// thread.close()?;
    /// assert!(thread.is_finished() && lua.globals().get::<bool>("closed")?);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// It runs, or waits for another one; the error by which it had ended, or that of a `__close`
    /// metamethod. It has ended all the same.
    pub fn close(&self) -> Result<()> {
        match self.status() {
            ThreadStatus::Running => return Err(Error::runtime("cannot close a running thread")),
            ThreadStatus::Normal => return Err(Error::runtime("cannot close a normal thread")),
            _ => {}
        }
        let lua = self.0.lua()?;
        let function = lua.native("perilune: close", CLOSE)?;
        let this = [Value::Thread(self.clone())];
        let mut values = lua.state.call(function, &this, false)?.into_iter();
        match values.next() {
            Some(Value::Boolean(true)) => Ok(()),
            _ => Err(failure(&lua, values.next(), None)),
        }
    }

    /// Closes the coroutine, if it has not ended by itself, and makes it one that will run `function`.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let double = lua.load("return 2 * ...").into_function()?;
    /// let thread = lua.create_thread(double.clone())?;
    /// assert_eq!(thread.resume::<i64>(1)?, 2);
    /// thread.reset(double)?;
    /// assert_eq!(thread.resume::<i64>(2)?, 4);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Thread::close`]; the coroutine has ended then, and may be reset again.
    pub fn reset(&self, function: Function) -> Result<()> {
        let is_new = self.ask(|call, thread| call.is_thread_new(thread));
        match self.status() {
            ThreadStatus::Running => return Err(Error::runtime("cannot reset a running thread")),
            ThreadStatus::Normal => return Err(Error::runtime("cannot reset a normal thread")),
            ThreadStatus::Finished => {}
            _ if is_new == Some(true) => {}
            _ => self.close()?,
        }
        let _entered = self.0.state.enter();
        let function = Value::Function(function).to_raw(&self.0.state)?;
        self.ask(|call, thread| {
            // SAFETY: a value of this state, which the handle keeps alive.
            let function = unsafe { Local::from_raw(function) };
            call.restart_thread(thread, function)
        });
        Ok(())
    }

    /// An address that no other thread has while this one lives.
    ///
    /// ```
    /// let lua = perilune::Lua::new();
    /// let (a, b) = (lua.create_thread(lua.load("").into_function()?)?, lua.current_thread());
    /// assert_eq!(a.to_pointer(), a.clone().to_pointer());
    /// assert_ne!(a.to_pointer(), b.to_pointer());
    /// # Ok::<(), perilune::Error>(())
    /// ```
    pub fn to_pointer(&self) -> *const std::ffi::c_void {
        self.0.to_pointer()
    }
}

/// The error of a coroutine that has failed, with its traceback.
fn failure(lua: &Lua, error: Option<Value>, traceback: Option<Value>) -> Error {
    let object = match error.unwrap_or(Value::Nil).to_raw(&lua.state) {
        Ok(object) => object,
        Err(error) => return error,
    };
    // SAFETY: the machine lives as long as the state; the error object is rooted.
    unsafe {
        let vm = lua.state.vm();
        if let Some(Value::String(text)) = traceback {
            (*vm).traceback = Some(text.to_bytes());
        }
        lua.state.describe(LuaError::Runtime(object)).into()
    }
}
