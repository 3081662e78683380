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

use crate::callback::{self, Callback};
use crate::handle::{Handle, root};
use crate::stack::{Slots, Stack};
use crate::{
    Chunk, Error, FromLuaMulti, Function, IntoLuaMulti, Lua, MaybeSend, MultiValue, Result, Thread,
    Value,
};
use futures_core::Stream;
use perilune_runtime::native::{
    Action, Call, CallResult, Local, LocalView, NativeDescription, NativeResult,
};
use perilune_runtime::value as raw;
use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// A future as an asynchronous function keeps it.
pub(crate) type Body = Pin<Box<dyn Running>>;

/// A future that pushes what it gives.
pub(crate) trait Running {
    /// Polls it. When it is ready, its results are the last slots in use of the running native frame.
    fn poll_and_push(
        self: Pin<&mut Self>,
        lua: &Lua,
        context: &mut Context<'_>,
    ) -> Poll<Result<()>>;
}

impl<F, R> Running for F
where
    F: Future<Output = Result<R>>,
    R: IntoLuaMulti,
{
    fn poll_and_push(
        self: Pin<&mut Self>,
        lua: &Lua,
        context: &mut Context<'_>,
    ) -> Poll<Result<()>> {
        self.poll(context).map(|results| {
            let mut stack = Stack::new(lua).ok_or(Error::StackError)?;
            results?.push_into_stack_multi(&mut stack)?;
            stack.keep();
            Ok(())
        })
    }
}

/// What an asynchronous function works with: what makes a future of its arguments.
type Start = Box<dyn Fn(&Lua, Slots<'_>) -> Result<Body>>;

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
    /// Coroutines of calls that have ended, to be used by others: indices of `Vm::handles`.
    kept: RefCell<Vec<usize>>,
}

/// Facts about asynchronous functions.
static CALLBACK: NativeDescription = NativeDescription {
    name: "?",
    yieldable: true,
    private_upvalues: true,
    intrinsic: None,
};

/// For how many arguments a new coroutine has room at least.
const MOST_GIVEN: usize = 16;

/// How many coroutines are kept for other calls at least.
const KEPT: usize = 8;

/// The states of [`run`]: the future is pending; it waits in [`Lua::yield_with`].
const PENDING: u32 = 1;
const YIELDING: u32 = 2;

/// The marker that is yielded for a pending future.
fn marker() -> raw::Value {
    static MARKER: u8 = 0;
    raw::Value::light_userdata((&raw const MARKER).cast_mut().cast())
}

fn is_marker(value: raw::Value) -> bool {
    let marker = marker();
    value.tag == marker.tag && value.payload == marker.payload
}

fn run(call: &mut Call<'_>) -> NativeResult {
    // SAFETY: `create_async_function` makes it with this content.
    let (lua, start) = unsafe { Callback::<Start>::of(call) };
    let machine = call.machine();
    let mut body = match call.state() {
        0 => {
            let body =
                callback::called(call, lua, |lua| start(lua, Slots::arguments(lua, machine)))?;
            call.set_top(0)?;
            body
        }
        state => {
            if let (YIELDING, CallResult::Returned(count)) = (state, call.result()) {
                let values = slots(call, lua, 2, count);
                let entered = lua.enter();
                entered.control.futures.resumed.replace(Some(values));
            }
            match waiting(call).and_then(|mut waiting| waiting.body.take()) {
                Some(body) => body,
                None => return Err(call.error("an asynchronous function was cancelled")),
            }
        }
    };
    let first = call.top() + 1;
    let polled = callback::called(call, lua, |lua| {
        let entered = lua.enter();
        let waker = entered.control.futures.waker.borrow().clone();
        let waker = waker.unwrap_or_else(|| Waker::noop().clone());
        match body
            .as_mut()
            .poll_and_push(lua, &mut Context::from_waker(&waker))
        {
            Poll::Ready(pushed) => pushed.map(|()| true),
            Poll::Pending => Ok(false),
        }
    });
    match polled {
        Ok(true) => {
            drop(body);
            Ok(call.return_from(first))
        }
        Ok(false) => wait(call, lua, body),
        Err(error) => Err(error),
    }
}

/// Yields until `body` is to be polled again.
fn wait(call: &mut Call<'_>, lua: &Lua, body: Body) -> NativeResult {
    let entered = lua.enter();
    let futures = &entered.control.futures;
    if call.state() == 0 {
        let userdata = call.new_userdata(Waiting { body: Some(body) }, None, 0)?;
        call.set_top(1)?;
        call.set_slot(1, userdata);
    } else if let Some(mut waiting) = waiting(call) {
        waiting.body = Some(body);
    }
    if let Some(values) = futures.yielding.take() {
        give(call, lua, &values, 2)?;
        return Ok(Action::Yield {
            first: 2,
            count: values.len() as u32,
            state: YIELDING,
        });
    }
    if futures.waker.borrow().is_some() {
        let userdata = Handle::new(&lua.state, call.slot(1).raw());
        drop(futures.pending.replace(Some(userdata)));
    }
    call.set_top(2)?;
    // SAFETY: a light userdata is no object.
    call.set_slot(2, unsafe { Local::from_raw(marker()) });
    Ok(Action::Yield {
        first: 2,
        count: 1,
        state: PENDING,
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

/// A future of an asynchronous function.
pub(crate) fn body<R, F>(future: F) -> Body
where
    F: Future<Output = Result<R>> + MaybeSend + 'static,
    R: IntoLuaMulti,
{
    Box::pin(future)
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
        self.create_async_callback(move |lua, args| {
            let args = A::from_slots_args(args, 1, None)?;
            Ok(body(function(lua.clone(), args)))
        })
    }

    /// A Lua function that starts what `start` makes of its arguments.
    ///
    /// # Errors
    /// Memory.
    pub(crate) fn create_async_callback<F>(&self, start: F) -> Result<Function>
    where
        F: Fn(&Lua, Slots<'_>) -> Result<Body> + MaybeSend + 'static,
    {
        let start: Start = Box::new(start);
        self.new_callback_of(run, &CALLBACK, start)
    }

    /// Within an asynchronous function: has its coroutine yield `args`, and answers what it is resumed with.
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
    /// let lua = perilune::Lua::new();
    /// let ask = lua.create_async_function(|lua, question: String| async move {
    ///     lua.yield_with::<String>(question).await
    /// })?;
    /// let thread = lua.create_thread(ask)?;
    /// assert_eq!(thread.resume::<String>("a name?")?, "a name?");
    /// assert_eq!(thread.resume::<String>("Io")?, "Io");
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// What a conversion says.
    pub async fn yield_with<R: FromLuaMulti>(&self, args: impl IntoLuaMulti) -> Result<R> {
        let mut args = Some(args.into_lua_multi(self)?);
        let resumed = poll_fn(move |_| {
            let entered = self.enter();
            let futures = &entered.control.futures;
            match args.take() {
                Some(args) => {
                    futures.yielding.replace(Some(args));
                    Poll::Pending
                }
                // Polled without having been resumed it waits on.
                None => futures.resumed.take().map_or(Poll::Pending, Poll::Ready),
            }
        });
        R::from_lua_multi(resumed.await, self)
    }
}

impl Lua {
    /// A coroutine for a call of `function` with arguments: it has them already, unless they are answered,
    /// too.
    fn own_thread_with(
        &self,
        function: &Function,
        args: impl IntoLuaMulti,
    ) -> Result<(Thread, Option<MultiValue>)> {
        let Some(mut stack) = Stack::new(self) else {
            let args = args.into_lua_multi(self)?;
            return Ok((self.own_thread(function)?, Some(args)));
        };
        args.push_into_stack_multi(&mut stack)?;
        let args = stack.slots();
        let thread = self.own_thread(function)?;
        let have_room = args.len() <= MOST_GIVEN;
        if have_room {
            thread.ask(|call, thread| {
                for n in 0..args.len() {
                    // SAFETY: a value of this state, which its slot keeps alive.
                    call.give_argument(thread, unsafe { Local::from_raw(args.get(n).raw()) });
                }
            });
        }
        let others = (!have_room).then(|| args.values().collect());
        Ok((thread, others))
    }

    /// A coroutine for a call of `function`.
    fn own_thread(&self, function: &Function) -> Result<Thread> {
        let entered = self.enter();
        let kept = match entered.control.hears_of_threads() {
            true => None,
            false => entered.control.futures.kept.borrow_mut().pop(),
        };
        let Some(root) = kept else {
            let thread = self.create_thread(function.clone())?;
            thread.ask(|call, thread| call.set_own_thread(thread));
            return Ok(thread);
        };
        let thread = Thread(Handle::of_root(&self.state, root));
        thread.ask(|call, thread| {
            // SAFETY: a value of this state, which the caller's handle keeps alive.
            call.reuse_thread(thread, unsafe { Local::from_raw(function.0.raw()) });
        });
        Ok(thread)
    }

    /// Keeps the coroutine of a call that is over for another one, if nothing can refer to it.
    fn keep_thread(&self, thread: &Thread) {
        let entered = self.enter();
        let control = &entered.control;
        let is_free = thread.ask(|call, thread| call.end_own_thread(thread));
        if is_free == Some(true)
            && !control.hears_of_threads()
            && control.futures.kept.borrow().len() < control.thread_pool_size.get().max(KEPT)
        {
            // SAFETY: the machine lives as long as the state.
            let root = unsafe { root(&mut *entered.vm(), thread.0.raw()) };
            control.futures.kept.borrow_mut().push(root);
        }
    }
}

impl Function {
    /// Calls the function in a coroutine of its own, in which asynchronous functions may be called. What it
    /// yields otherwise is dropped. Dropping the future ends the coroutine, and closes its to-be-closed
    /// variables.
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
    /// use perilune::AsyncCallFuture;
    /// let lua = perilune::Lua::new();
    /// let half = lua.create_async_function(|_, n: i64| async move { Ok(n / 2) })?;
    /// let future: AsyncCallFuture<i64> = half.call_async(84);
    /// assert_eq!(block_on(future)?, 42);
    /// # Ok::<(), perilune::Error>(())
    /// ```
    ///
    /// # Errors
    /// The future's: as [`Function::call`].
    pub fn call_async<R: FromLuaMulti>(&self, args: impl IntoLuaMulti) -> AsyncCallFuture<R> {
        AsyncCallFuture(self.0.lua().and_then(|lua| {
            let (thread, args) = lua.own_thread_with(self, args)?;
            Ok(AsyncThread {
                args,
                thread,
                waiting: None,
                is_own: true,
                results: PhantomData,
            })
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
    /// use perilune::AsyncThread;
    /// let lua = perilune::Lua::new();
    /// let thread = lua.create_thread(lua.load("coroutine.yield(1) return ... + 1").into_function()?)?;
    /// let driven: AsyncThread<i64> = thread.into_async(41)?;
    /// assert_eq!(block_on(driven)?, 42);
    /// # Ok::<(), perilune::Error>(())
    /// ```
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
    /// Resumes the coroutine: what it gives, unless it waits for a future. What it yields counts if
    /// `takes_yields`; it gives nothing then.
    fn step(&mut self, context: &Context<'_>, takes_yields: bool) -> Poll<Result<Option<R>>>
    where
        R: FromLuaMulti,
    {
        let lua = match Lua::of(&self.thread.0.state) {
            Ok(lua) => lua,
            Err(error) => return Poll::Ready(Err(error)),
        };
        let entered = lua.enter();
        let args = self.args.take().unwrap_or_default();
        let futures = &entered.control.futures;
        drop(futures.pending.take());
        let (thread, waiting) = (&self.thread, &mut self.waiting);
        *waiting = None;
        let woken = Woken::new(futures, context);
        let resumed = thread.resume_told(&lua, args, |results| {
            drop(woken);
            *waiting = futures.pending.take();
            if waiting.is_some() && is_marker(results.only()) {
                Ok(Poll::Pending)
            } else if !takes_yields && thread.is_resumable() {
                Ok(Poll::Ready(None))
            } else {
                results
                    .convert(&lua)
                    .map(|results| Poll::Ready(Some(results)))
            }
        });
        match resumed {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(results)) => Poll::Ready(Ok(results)),
            Err(error) => {
                drop(futures.pending.take());
                Poll::Ready(Err(error))
            }
        }
    }
}

impl<R: FromLuaMulti> Future for AsyncThread<R> {
    type Output = Result<R>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<R>> {
        let this = self.get_mut();
        match this.step(context, false) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(None)) => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Poll::Ready(Ok(Some(results))) => Poll::Ready(Ok(results)),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
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
        this.step(context, true).map(Result::transpose)
    }
}

impl<R> Drop for AsyncThread<R> {
    fn drop(&mut self) {
        // What a state that is closed had is gone.
        let Ok(lua) = Lua::of(&self.thread.0.state) else {
            return;
        };
        let _entered = lua.enter();
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
        lua.keep_thread(&self.thread);
    }
}

impl Chunk<'_> {
    /// [`Chunk::exec`], in a coroutine in which asynchronous functions may be called.
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
    /// let lua = perilune::Lua::new();
    /// let read = lua.create_async_function(|_, ()| async { Ok("a line") })?;
    /// lua.globals().set("read", read)?;
    /// block_on(lua.load("line = read()").exec_async())?;
    /// assert_eq!(lua.globals().get::<String>("line")?, "a line");
    /// let length: i64 = block_on(lua.load("return #(... .. read())").call_async("> "))?;
    /// assert_eq!(length, 8);
    /// # Ok::<(), perilune::Error>(())
    /// ```
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
