//! Asynchronous functions (feature `async`).
//!
//! An asynchronous function is a native function that makes a future and polls it: as long as that is
//! pending, it yields a marker, and polls again when it is resumed. Who drives such a coroutine is
//! [`AsyncThread`], itself a future (and a stream): it resumes when it is polled, and is pending when what was
//! yielded is the marker. So any executor will do, and Lua code in between needs to know nothing.
//!
//! Invariants:
//! - A future lives in a userdata that only its native function knows, and the [`AsyncThread`] that waits for
//!   it. It is taken out while it is polled: polling may run Lua code, and collect.
//! - Dropping the [`AsyncThread`] of a call drops the future that it waits for, then closes the coroutine.

use crate::handle::{Handle, root};
use crate::state::State;
use crate::{
    Chunk, Error, FromLuaMulti, Function, IntoLuaMulti, Lua, MaybeSend, MultiValue, Result, Thread,
    Value, callback,
};
use futures_core::Stream;
use perilune_runtime::coroutine::Thread as Coroutine;
use perilune_runtime::native;
use perilune_runtime::native::{Action, Call, CallResult, Local, LocalView, Native, NativeResult};
use perilune_runtime::value as raw;
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};

/// A future of an asynchronous function.
pub(crate) type Body = Pin<Box<dyn Future<Output = Result<MultiValue>>>>;

/// What the upvalue of an asynchronous function holds.
struct AsyncCallback {
    state: Weak<State>,
    start: Rc<dyn Fn(Lua, MultiValue) -> Result<Body>>,
}

/// What the userdata in slot 1 holds while a future is pending.
struct Waiting {
    body: Option<Body>,
}

/// What a state keeps for asynchronous functions.
#[derive(Default)]
pub(crate) struct Futures {
    /// Who is to be woken by what is being polled.
    waker: RefCell<Option<Waker>>,
    /// The userdata of the future that has just been found pending.
    pending: RefCell<Option<Handle>>,
    /// What [`Lua::yield_with`] wants yielded, and what its coroutine was resumed with.
    yielding: RefCell<Option<MultiValue>>,
    resumed: RefCell<Option<MultiValue>>,
    /// The addresses of coroutines that calls were given.
    own_threads: RefCell<HashSet<usize>>,
    /// Coroutines of calls that have ended, for others: indices of `Vm::handles`, since a handle would keep
    /// what it stands in.
    kept_threads: RefCell<Vec<usize>>,
    /// How many of them are kept.
    most_kept: Cell<usize>,
}

impl Futures {
    /// Whether a coroutine is one that a call was given, of which programs know nothing.
    pub(crate) fn is_own(&self, thread: *const Coroutine) -> bool {
        self.own_threads.borrow().contains(&(thread as usize))
    }

    /// Has so many coroutines kept.
    pub(crate) fn keep_threads(&self, count: usize) {
        self.most_kept.set(count);
    }
}

const CALLBACK: Native = native!("?", run, yieldable, private_upvalues);

/// The states of [`run`]: the future is pending; it waits in [`Lua::yield_with`].
const PENDING: u32 = 1;
const YIELDING: u32 = 2;

/// The marker that is yielded for a pending future.
fn marker() -> raw::Value {
    static MARKER: u8 = 0;
    raw::Value::light_userdata((&raw const MARKER).cast_mut().cast())
}

fn is_marker(values: &MultiValue) -> bool {
    match (values.len(), values.front()) {
        (1, Some(Value::LightUserData(pointer))) => {
            raw::Value::light_userdata(pointer.0).payload == marker().payload
        }
        _ => false,
    }
}

fn run(call: &mut Call<'_>) -> NativeResult {
    let found = match call.upvalue(1).view() {
        LocalView::Userdata(userdata) => call
            .userdata_mut::<AsyncCallback>(userdata)
            .map(|callback| (callback.state.upgrade(), callback.start.clone())),
        _ => None,
    };
    let Some((Some(state), start)) = found else {
        return Err(call.error("callback without its function"));
    };
    let Ok(lua) = Lua::of(&state) else {
        return Err(call.error("the state is being closed"));
    };
    let mut body = match call.state() {
        0 => {
            let args = slots(call, &lua, 1, call.arg_count());
            call.set_top(0)?;
            callback::called(call, &lua, |lua| start(lua.clone(), args))?
        }
        state => {
            if let (YIELDING, CallResult::Returned(count)) = (state, call.result()) {
                let values = slots(call, &lua, 2, count);
                lua.state.control.futures.resumed.replace(Some(values));
            }
            match waiting(call).and_then(|mut waiting| waiting.body.take()) {
                Some(body) => body,
                None => return Err(call.error("an asynchronous function was cancelled")),
            }
        }
    };
    let polled = callback::called(call, &lua, |lua| {
        let waker = lua.state.control.futures.waker.borrow().clone();
        let waker = waker.unwrap_or_else(|| Waker::noop().clone());
        match body.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(result) => result.map(Some),
            Poll::Pending => Ok(None),
        }
    });
    match polled {
        Ok(Some(results)) => {
            drop(body);
            give(call, &lua, &results, 1)?;
            Ok(call.return_from(1))
        }
        Ok(None) => wait(call, &lua, body),
        Err(error) => Err(error),
    }
}

/// Yields until `body` is to be polled again.
fn wait(call: &mut Call<'_>, lua: &Lua, body: Body) -> NativeResult {
    let futures = &lua.state.control.futures;
    if call.state() == 0 {
        let userdata = call.new_userdata(Waiting { body: Some(body) }, None, 0)?;
        call.set_top(1)?;
        call.set_slot(1, userdata);
    } else if let Some(mut waiting) = waiting(call) {
        waiting.body = Some(body);
    }
    let yielding = futures.yielding.take();
    let (values, state) = match yielding {
        Some(values) => (values, YIELDING),
        None => {
            if futures.waker.borrow().is_some() {
                let userdata = Handle::new(&lua.state, call.slot(1).raw());
                drop(futures.pending.replace(Some(userdata)));
            }
            // SAFETY: a light userdata is no object.
            let marker = Value::from_raw(&lua.state, marker());
            (MultiValue::from_vec(vec![marker]), PENDING)
        }
    };
    give(call, lua, &values, 2)?;
    Ok(Action::Yield {
        first: 2,
        count: values.len() as u32,
        state,
    })
}

/// What waits in slot 1.
fn waiting<'a>(call: &'a mut Call<'_>) -> Option<std::cell::RefMut<'a, Waiting>> {
    match call.slot(1).view() {
        LocalView::Userdata(userdata) => call.userdata_mut::<Waiting>(userdata),
        _ => None,
    }
}

/// The values of `count` slots from `first` on.
fn slots(call: &Call<'_>, lua: &Lua, first: u32, count: u32) -> MultiValue {
    let slots = first..first + count;
    slots
        .map(|n| Value::from_raw(&lua.state, call.slot(n).raw()))
        .collect()
}

/// Puts values into the slots from `first` on, which are the last ones then.
fn give(
    call: &mut Call<'_>,
    lua: &Lua,
    values: &MultiValue,
    first: u32,
) -> perilune_runtime::error::Result<()> {
    call.set_top(first - 1)?;
    for value in values {
        let value = callback::answer(lua, |lua| value.to_raw(&lua.state))?;
        // SAFETY: a value of this state, which the handle in `values` keeps alive.
        call.push(unsafe { Local::from_raw(value) })?;
    }
    Ok(())
}

/// A future and the conversion of what it gives.
pub(crate) fn body<R, F>(lua: &Lua, future: F) -> Body
where
    F: Future<Output = Result<R>> + MaybeSend + 'static,
    R: IntoLuaMulti,
{
    // What waits for ever shall not keep the state.
    let state = Rc::downgrade(&lua.state);
    Box::pin(async move {
        let results = future.await?;
        let state = state.upgrade().ok_or_else(Error::state_is_gone)?;
        results.into_lua_multi(&Lua::of(&state)?)
    })
}

impl Lua {
    /// A Lua function that starts a future with its arguments, and waits for it. It may be called where a
    /// coroutine may yield, and in the end is driven by [`Function::call_async`] or the like; elsewhere it is an
    /// error if the future is pending.
    ///
    /// ```
    /// # fn block_on<F: std::future::Future>(future: F) -> F::Output {
    /// #     let mut future = std::pin::pin!(future);
    /// #     let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    /// #     loop {
    /// #         if let std::task::Poll::Ready(result) = future.as_mut().poll(&mut context) {
    /// #             return result;
    /// #         }
    /// #     }
    /// # }
    /// let lua = perilune::Lua::new();
    /// let double = lua.create_async_function(|_, n: i64| async move { Ok(n * 2) })?;
    /// lua.globals().set("double", double)?;
    /// let six: i64 = block_on(lua.load("return double(3)").eval_async())?;
    /// assert_eq!(six, 6);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// Memory.
    pub fn create_async_function<F, A, FR, R>(&self, function: F) -> Result<Function>
    where
        F: Fn(Lua, A) -> FR + MaybeSend + 'static,
        A: FromLuaMulti,
        FR: Future<Output = Result<R>> + MaybeSend + 'static,
        R: IntoLuaMulti,
    {
        self.create_async_callback(move |lua: Lua, args: MultiValue| {
            let args = A::from_lua_args(args, 1, None, &lua)?;
            Ok(body(&lua, function(lua.clone(), args)))
        })
    }

    /// A Lua function that starts what `start` makes of its arguments.
    ///
    /// # Errors
    /// Memory.
    pub(crate) fn create_async_callback<F>(&self, start: F) -> Result<Function>
    where
        F: Fn(Lua, MultiValue) -> Result<Body> + MaybeSend + 'static,
    {
        self.prepare_failures()?;
        let callback = AsyncCallback {
            state: Rc::downgrade(&self.state),
            start: Rc::new(start),
        };
        let mut made = raw::Value::NIL;
        self.with_call(|call| {
            let userdata = call.new_userdata(callback, None, 0)?;
            made = call.new_closure(CALLBACK, &[userdata.into()])?.raw();
            Ok(())
        })?;
        // Nothing has collected since it was made.
        Ok(Function(Handle::new(&self.state, made)))
    }

    /// Within an asynchronous function: has its coroutine yield `args`, and answers what it is resumed with.
    ///
    /// # Errors
    /// What a conversion says.
    pub async fn yield_with<R: FromLuaMulti>(&self, args: impl IntoLuaMulti) -> Result<R> {
        let futures = &self.state.control.futures;
        let mut args = Some(args.into_lua_multi(self)?);
        let resumed = poll_fn(move |_| match args.take() {
            Some(args) => {
                futures.yielding.replace(Some(args));
                Poll::Pending
            }
            // Polled without having been resumed it waits on.
            None => futures.resumed.take().map_or(Poll::Pending, Poll::Ready),
        });
        R::from_lua_multi(resumed.await, self)
    }
}

impl Lua {
    /// A coroutine that has been kept.
    fn kept_thread(&self) -> Option<Thread> {
        let index = self.state.control.futures.kept_threads.borrow_mut().pop()?;
        // SAFETY: the machine lives as long as the state; the index was `root`'s, and is used no more.
        let value = unsafe {
            let vm = &mut *self.vm();
            vm.free_handles.push(index);
            std::mem::replace(&mut vm.handles[index], raw::Value::NIL)
        };
        Some(Thread(Handle::new(&self.state, value)))
    }

    /// Keeps a coroutine of a call that has ended, if there is room for one more.
    fn keep_thread(&self, thread: &Thread) {
        let futures = &self.state.control.futures;
        let mut kept = futures.kept_threads.borrow_mut();
        if kept.len() < futures.most_kept.get() {
            // SAFETY: the machine lives as long as the state.
            kept.push(root(unsafe { &mut *self.vm() }, thread.0.raw()));
        }
    }
}

impl Function {
    /// Calls the function in a coroutine of its own, in which asynchronous functions may be called. What it
    /// yields otherwise is dropped. Dropping the future ends the coroutine, and closes its to-be-closed
    /// variables.
    ///
    /// # Errors
    /// The future's: as [`Function::call`].
    pub fn call_async<R: FromLuaMulti>(&self, args: impl IntoLuaMulti) -> AsyncCallFuture<R> {
        AsyncCallFuture(Lua::of(&self.0.state).and_then(|lua| {
            let thread = match lua.kept_thread() {
                Some(thread) => {
                    thread.reset(self.clone())?;
                    thread
                }
                None => lua.create_thread(self.clone())?,
            };
            let mut thread = thread.into_async(args)?;
            thread.is_own = true;
            let own_threads = &lua.state.control.futures.own_threads;
            own_threads.borrow_mut().insert(thread.address());
            Ok(thread)
        }))
    }
}

/// The future of a call: see [`Function::call_async`].
#[must_use = "futures do nothing unless they are awaited or polled"]
#[derive(Debug)]
pub struct AsyncCallFuture<R>(Result<AsyncThread<R>>);

impl<R> AsyncCallFuture<R> {
    /// A call that could not be made.
    pub(crate) fn failed(error: Error) -> AsyncCallFuture<R> {
        AsyncCallFuture(Err(error))
    }
}

impl<R: FromLuaMulti> Future for AsyncCallFuture<R> {
    type Output = Result<R>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<R>> {
        match &mut self.get_mut().0 {
            Ok(thread) => Pin::new(thread).poll(context),
            Err(error) => Poll::Ready(Err(error.clone())),
        }
    }
}

/// A coroutine that is driven by an executor: see [`Thread::into_async`]. As a future it gives what the
/// coroutine returns, and drops what that yields; as a stream it gives both.
#[must_use = "futures do nothing unless they are awaited or polled"]
#[derive(Debug)]
pub struct AsyncThread<R> {
    thread: Thread,
    /// What the coroutine is first resumed with.
    args: Option<MultiValue>,
    /// The userdata of the future that it waits for.
    waiting: Option<Handle>,
    /// Whether the coroutine is closed when this is dropped.
    is_own: bool,
    results: PhantomData<fn() -> R>,
}

impl<R> Unpin for AsyncThread<R> {}

impl Thread {
    /// Has the coroutine driven by an executor.
    ///
    /// # Errors
    /// [`Error::CoroutineUnresumable`]; what a conversion says.
    pub fn into_async<R: FromLuaMulti>(self, args: impl IntoLuaMulti) -> Result<AsyncThread<R>> {
        if !self.is_resumable() {
            return Err(Error::CoroutineUnresumable);
        }
        let lua = Lua::of(&self.0.state)?;
        Ok(AsyncThread {
            args: Some(args.into_lua_multi(&lua)?),
            thread: self,
            waiting: None,
            is_own: false,
            results: PhantomData,
        })
    }
}

/// Sets who is to be woken, until it is dropped.
struct Woken<'a> {
    futures: &'a Futures,
    before: Option<Waker>,
}

impl<'a> Woken<'a> {
    fn new(futures: &'a Futures, context: &Context<'_>) -> Woken<'a> {
        let before = futures.waker.replace(Some(context.waker().clone()));
        Woken { futures, before }
    }
}

impl Drop for Woken<'_> {
    fn drop(&mut self) {
        self.futures.waker.replace(self.before.take());
    }
}

impl<R> AsyncThread<R> {
    fn address(&self) -> usize {
        self.thread.to_pointer() as usize
    }

    /// Resumes the coroutine: what it yields or returns, unless it waits for a future.
    fn step(&mut self, context: &Context<'_>) -> Poll<Result<MultiValue>> {
        let lua = match Lua::of(&self.thread.0.state) {
            Ok(lua) => lua,
            Err(error) => return Poll::Ready(Err(error)),
        };
        let args = self.args.take().unwrap_or_default();
        let futures = &lua.state.control.futures;
        drop(futures.pending.take());
        let resumed = {
            let _woken = Woken::new(futures, context);
            self.thread.resume::<MultiValue>(args)
        };
        self.waiting = futures.pending.take();
        match resumed {
            Ok(values) if self.waiting.is_some() && is_marker(&values) => Poll::Pending,
            resumed => Poll::Ready(resumed),
        }
    }
}

impl<R: FromLuaMulti> AsyncThread<R> {
    fn results(&self, values: MultiValue) -> Result<R> {
        R::from_lua_multi(values, &*self.thread.0.lua()?)
    }
}

impl<R: FromLuaMulti> Future for AsyncThread<R> {
    type Output = Result<R>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<R>> {
        let this = self.get_mut();
        match this.step(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(_)) if this.thread.is_resumable() => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Poll::Ready(result) => Poll::Ready(result.and_then(|values| this.results(values))),
        }
    }
}

impl<R: FromLuaMulti> Stream for AsyncThread<R> {
    type Item = Result<R>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<R>>> {
        let this = self.get_mut();
        if !this.thread.is_resumable() {
            return Poll::Ready(None);
        }
        match this.step(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(result) => {
                Poll::Ready(Some(result.and_then(|values| this.results(values))))
            }
        }
    }
}

impl<R> Drop for AsyncThread<R> {
    fn drop(&mut self) {
        // What a state that is closed had is gone.
        let Ok(lua) = Lua::of(&self.thread.0.state) else {
            return;
        };
        if !self.is_own {
            return;
        }
        let waiting = self.waiting.take();
        let mut body = None;
        if let Some(waiting) = &waiting {
            let taken = lua.with_call(|call| {
                // SAFETY: a value of this state, which the handle keeps alive.
                let value = unsafe { Local::from_raw(waiting.raw()) };
                if let LocalView::Userdata(userdata) = value.view()
                    && let Some(mut waiting) = call.userdata_mut::<Waiting>(userdata)
                {
                    body = waiting.body.take();
                }
                Ok(())
            });
            drop(taken);
        }
        // It may hold other calls, which end first.
        drop(body);
        // The error of a coroutine that has failed was reported; there is nobody to tell another.
        if !self.thread.is_finished() {
            let _ = self.thread.close();
        }
        let own_threads = &self.thread.0.state.control.futures.own_threads;
        own_threads.borrow_mut().remove(&self.address());
        if self.thread.is_finished() {
            lua.keep_thread(&self.thread);
        }
    }
}

impl Chunk<'_> {
    /// [`Chunk::exec`], in a coroutine in which asynchronous functions may be called.
    ///
    /// # Errors
    /// As [`Chunk::exec`].
    pub async fn exec_async(self) -> Result<()> {
        self.call_async(()).await
    }

    /// [`Chunk::eval`], likewise.
    ///
    /// # Errors
    /// As [`Chunk::eval`].
    pub async fn eval_async<R: FromLuaMulti>(self) -> Result<R> {
        self.into_evaluated()?.call_async(()).await
    }

    /// [`Chunk::call`], likewise.
    ///
    /// # Errors
    /// As [`Chunk::call`].
    pub async fn call_async<R: FromLuaMulti>(self, args: impl IntoLuaMulti) -> Result<R> {
        self.into_function()?.call_async(args).await
    }
}
