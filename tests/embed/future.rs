//! Asynchronous functions, on an executor and without one.

use crate::common::state;
use crate::limit::MODES;
use crate::shared::{Cell, Rc};
use perilune::{
    AsyncThread, Error, Function, HookTriggers, Limit, Lua, MultiValue, Result, Thread, Value,
    Variadic, VmState,
};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Runs a future on tokio, on this thread.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    let runtime = runtime.expect("a runtime");
    tokio::task::LocalSet::new().block_on(&runtime, future)
}

/// Polls until the future is ready; how often it was pending.
pub(crate) fn polls<F: Future>(future: F) -> (F::Output, usize) {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for count in 0.. {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return (output, count);
        }
    }
    unreachable!("it does not end")
}

/// Is pending so many times.
async fn rounds(n: u64) {
    for _ in 0..n {
        tokio::task::yield_now().await;
    }
}

/// Is pending once, whoever polls.
pub(crate) async fn pause() {
    let mut is_second = false;
    poll_fn(move |context| {
        if std::mem::replace(&mut is_second, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

fn with_sleep(lua: &Lua) {
    let sleep = lua.create_async_function(|_, n: u64| async move {
        tokio::time::sleep(Duration::from_millis(n)).await;
        Ok(format!("slept {n}"))
    });
    lua.globals()
        .set("sleep", sleep.expect("a function"))
        .expect("set");
    let pauses = lua.create_async_function(|_, values: MultiValue| async move {
        pause().await;
        Ok(values)
    });
    lua.globals()
        .set("pause", pauses.expect("a function"))
        .expect("set");
}

#[test]
fn asynchronous_functions_take_and_give_values() -> Result<()> {
    let lua = Lua::new();
    with_sleep(&lua);
    let f =
        lua.create_async_function(|_, (a, b, c): (i64, i64, i64)| async move { Ok((a + b) * c) })?;
    lua.globals().set("f", f.clone())?;
    assert_eq!(block_on(lua.load("f(1, 2, 3)").eval_async::<i64>())?, 9);
    assert_eq!(block_on(f.call_async::<i64>((1, 2, 4)))?, 12);
    let text: String = block_on(lua.load("return sleep(...)").call_async(3))?;
    assert_eq!(text, "slept 3");
    let many = lua.create_async_function(|_, ()| async move {
        rounds(2).await;
        Ok(("a", Option::<i64>::None, "c", 1))
    })?;
    let values: MultiValue = block_on(many.call_async(()))?;
    assert_eq!(values.len(), 4);
    assert!(values[1].is_nil());
    // Functions that are not asynchronous may be called so, too.
    let sum = lua.create_function(|_, (a, b): (i64, i64)| Ok(a + b))?;
    assert_eq!(block_on(sum.call_async::<i64>((5, 1)))?, 6);
    assert_eq!(block_on(f.bind(2)?.call_async::<i64>((3, 4)))?, 20);
    block_on(lua.load("result = sleep(1)").exec_async())?;
    assert_eq!(lua.globals().get::<String>("result")?, "slept 1");
    Ok(())
}

#[test]
fn they_wait_wherever_lua_code_may_yield() -> Result<()> {
    for modes in MODES {
        let lua = state(modes);
        with_sleep(&lua);
        let text = "
            local sum = 0
            local t = setmetatable({}, {__index = function(_, k) return pause(k) end,
                                        __add = function(a, b) return pause(b) end})
            for i = 1, 40 do
                sum = sum + pause(i) + t[i] + (t + i)
                local ok, x = pcall(pause, i)
                assert(ok and x == i)
            end
            for a, b in pause, 1, nil do sum = sum + 1 if sum % 7 == 0 then break end end
            do local c <close> = setmetatable({}, {__close = function() sum = sum + pause(1000) end}) end
            return sum";
        let sum = block_on(lua.load(text).eval_async::<i64>())?;
        let (again, pending) = polls(lua.load(text).eval_async::<i64>());
        assert_eq!(again?, sum, "{modes:?}");
        assert!(pending > 160, "{modes:?}: {pending}");
        lua.check_heap().expect("a sound heap");
    }
    Ok(())
}

#[test]
fn outside_of_coroutines_there_is_nobody_who_waits() -> Result<()> {
    let lua = Lua::new();
    with_sleep(&lua);
    let pauses: Function = lua.globals().get("pause")?;
    let error = pauses.call::<()>(()).expect_err("it can't wait");
    assert!(
        matches!(&error, Error::RuntimeError(text) if text.contains("outside a coroutine")),
        "{error}"
    );
    // One that is ready at once need not wait.
    let ready = lua.create_async_function(|_, n: i64| async move { Ok(n + 1) })?;
    assert_eq!(ready.call::<i64>(1)?, 2);
    Ok(())
}

#[test]
fn errors_and_panics_pass() -> Result<()> {
    let lua = Lua::new();
    let fails = lua.create_async_function(|_, ()| async move {
        pause().await;
        Err::<(), _>(Error::runtime("some error"))
    })?;
    lua.globals().set("fails", fails.clone())?;
    let text = "local ok, e = pcall(fails) return not ok and tostring(e):find('some error', 1, true) ~= nil";
    assert!(polls(lua.load(text).eval_async::<bool>()).0?);
    let error = polls(fails.call_async::<()>(())).0.expect_err("an error");
    assert!(error.to_string().contains("some error"), "{error}");
    let error = polls(lua.load("local x <close> = setmetatable({}, {__close = function() closed = true end}) error 'test'").exec_async());
    assert!(error.0.is_err());
    assert!(lua.globals().get::<bool>("closed")?);
    let panics = lua.create_async_function(|_, ()| async move {
        pause().await;
        if true {
            panic!("test panic");
        }
        Ok(())
    })?;
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        polls(panics.call_async::<()>(())).0
    }));
    let payload = outcome.expect_err("a panic");
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"test panic"));
    lua.check_heap().expect("a sound heap");
    Ok(())
}

#[test]
fn what_a_called_function_yields_is_dropped() -> Result<()> {
    let lua = Lua::new();
    with_sleep(&lua);
    let text = "coroutine.yield('in progress') pause() coroutine.yield() return 'done'";
    assert_eq!(block_on(lua.load(text).call_async::<String>(()))?, "done");
    Ok(())
}

fn next<R: perilune::FromLuaMulti>(stream: &mut AsyncThread<R>) -> Option<Result<R>> {
    use futures_core::Stream;
    polls(poll_fn(|context| Pin::new(&mut *stream).poll_next(context))).0
}

#[test]
fn a_thread_is_a_stream_of_what_it_yields() -> Result<()> {
    let lua = Lua::new();
    with_sleep(&lua);
    let body = lua.load(
        "local sum = ... for i = 1, 10 do sum = sum + pause(i) coroutine.yield(sum) end return sum",
    );
    let thread = lua.create_thread(body.into_function()?)?;
    let mut stream = thread.clone().into_async::<i64>(1)?;
    let mut sum = 0;
    while let Some(n) = next(&mut stream) {
        sum += n?;
    }
    assert_eq!(sum, 286);
    assert!(thread.is_finished());
    let ended = thread.into_async::<()>(()).map(|_| ());
    assert!(matches!(ended, Err(Error::CoroutineUnresumable)));
    Ok(())
}

#[test]
fn dropping_a_call_drops_what_it_waits_for_and_closes_its_variables() -> Result<()> {
    for modes in MODES {
        let held = Rc::new(());
        let lua = state(modes);
        let capture = held.clone();
        let waits = lua.create_async_function(move |lua, n: i64| {
            let held = capture.clone();
            async move {
                let _held = held;
                for _ in 0..n {
                    pause().await;
                }
                // Another call waits within this one.
                let inner: Function = lua.globals().get("inner")?;
                inner.call_async::<()>(()).await
            }
        })?;
        lua.globals().set("waits", waits)?;
        let text = "closed = 0 function guard() return setmetatable({}, {__close = function() closed = closed + 1 end}) end
                    function inner() local c <close> = guard() while true do waits(1) end end";
        lua.load(text).exec()?;
        let before = Rc::strong_count(&held);
        for n in 1..20 {
            let text = "local c <close> = guard() waits(5) return true";
            let mut call = Box::pin(lua.load(text).eval_async::<bool>());
            let mut context = Context::from_waker(Waker::noop());
            for _ in 0..n {
                assert!(call.as_mut().poll(&mut context).is_pending(), "{modes:?}");
            }
            assert!(Rc::strong_count(&held) > before);
            drop(call);
            assert_eq!(Rc::strong_count(&held), before, "{modes:?}: {n}");
            assert!(lua.globals().get::<i64>("closed")? >= 1, "{modes:?}");
            lua.load("closed = 0").exec()?;
        }
        lua.gc_collect()?;
        lua.check_heap().expect("a sound heap");
        let weak = Rc::downgrade(&held);
        drop((held, lua));
        assert!(
            weak.upgrade().is_none(),
            "{modes:?}: the state is still there"
        );
    }
    Ok(())
}

#[test]
fn a_call_may_be_dropped_together_with_its_state() -> Result<()> {
    let held = Rc::new(());
    let weak = Rc::downgrade(&held);
    let lua = Lua::new();
    let waits = lua.create_async_function(move |lua, ()| {
        let held = held.clone();
        async move {
            pause().await;
            drop((lua, held));
            Ok(())
        }
    })?;
    let mut call = Box::pin(waits.call_async::<()>(()));
    assert!(
        call.as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_pending()
    );
    drop((waits, lua));
    assert!(weak.upgrade().is_some());
    drop(call);
    assert!(weak.upgrade().is_none());
    Ok(())
}

#[test]
fn tasks_run_side_by_side_and_may_be_aborted() -> Result<()> {
    let lua = Lua::new();
    with_sleep(&lua);
    block_on(async {
        let mut tasks = Vec::new();
        for n in 0..20_i64 {
            let lua = lua.clone();
            tasks.push(tokio::task::spawn_local(async move {
                let text =
                    "local n = ... local s = 0 for i = 1, 20 do s = s + pause(n) end return s";
                lua.load(text).call_async::<i64>(n).await
            }));
        }
        let other = lua.clone();
        let aborted = tokio::task::spawn_local(async move {
            other
                .load("sleep(10000) result = 'done'")
                .exec_async()
                .await
        });
        for (n, task) in (0..).zip(tasks) {
            assert_eq!(task.await.expect("no panic")?, n * 20);
        }
        aborted.abort();
        assert!(aborted.await.is_err());
        Ok::<_, Error>(())
    })?;
    assert!(lua.globals().get::<Value>("result")?.is_nil());
    lua.gc_collect()?;
    lua.check_heap().expect("a sound heap");
    Ok(())
}

#[test]
fn an_asynchronous_function_may_yield_values_and_get_some() -> Result<()> {
    let lua = Lua::new();
    let function = lua.create_async_function(|lua, (mut a, mut b): (i64, i64)| async move {
        let none = lua.yield_with::<MultiValue>(()).await?;
        assert!(none.is_empty());
        let one = lua.yield_with::<MultiValue>(a + b).await?;
        assert_eq!(one.len(), 1);
        for _ in 0..3 {
            (a, b) = lua.yield_with((a + b, a * b)).await?;
        }
        Ok((0, 0))
    })?;
    let thread = lua.create_thread(function)?;
    assert!(thread.resume::<MultiValue>((2, 3))?.is_empty());
    assert_eq!(thread.resume::<i64>(())?, 5);
    assert_eq!(thread.resume::<(i64, i64)>(1)?, (5, 6));
    assert_eq!(thread.resume::<(i64, i64)>((10, 11))?, (21, 110));
    assert_eq!(thread.resume::<(i64, i64)>((11, 12))?, (23, 132));
    assert_eq!(thread.resume::<(i64, i64)>((12, 13))?, (0, 0));
    assert!(thread.is_finished());
    Ok(())
}

#[test]
fn the_thread_of_a_call_is_the_one_that_called() -> Result<()> {
    let lua = Lua::new();
    let outer = lua.create_async_function(|lua, ()| async move {
        let inner = lua.create_async_function(|lua, ()| async move { Ok(lua.current_thread()) })?;
        inner.call_async::<Thread>(()).await
    })?;
    assert_eq!(
        polls(outer.call_async::<Thread>(())).0?,
        lua.current_thread()
    );
    Ok(())
}

#[test]
fn interruptions_and_hooks_share_the_executor() -> Result<()> {
    let lua = Lua::new();
    with_sleep(&lua);
    let called = Rc::new(Cell::new(0));
    let count = called.clone();
    lua.set_global_hook(HookTriggers::EVERY_LINE, move |_, _| {
        count.set(count.get() + 1);
        Ok(VmState::Yield)
    })?;
    block_on(lua.load("sleep(1)\nlocal x = 1\nsleep(1)").exec_async())?;
    assert_eq!(called.get(), 3);
    lua.remove_global_hook();
    // A loop without an end lets others run.
    lua.set_interrupt(|_| Ok(VmState::Yield));
    let (done, pending) = polls(
        lua.load("for i = 1, 30 do end return true")
            .eval_async::<bool>(),
    );
    assert!(done? && pending >= 10, "{pending}");
    lua.remove_interrupt();
    lua.set_fuel(Some(5000));
    let endless = polls(lua.load("while true do pcall(pause) end").exec_async()).0;
    assert!(matches!(endless, Err(Error::LimitReached(Limit::Fuel))));
    Ok(())
}

#[test]
fn a_future_may_start_asynchronous_functions_of_its_own() -> Result<()> {
    let lua = Lua::new();
    let f = lua.create_async_function(|lua, a: i64| async move {
        pause().await;
        lua.create_async_function(move |_, b: i64| async move {
            pause().await;
            Ok(a + b)
        })
    })?;
    lua.globals().set("f", f)?;
    let sum = polls(
        lua.load("local g = f(1) return g(2) + g(3)")
            .eval_async::<i64>(),
    )
    .0?;
    assert_eq!(sum, 7);
    Ok(())
}

#[test]
fn calls_that_follow_each_other_see_nothing_of_each_other() -> Result<()> {
    for modes in MODES {
        let lua = state(modes);
        let add = lua.create_async_function(|_, (a, b): (i64, i64)| async move {
            pause().await;
            Ok(a + b)
        })?;
        lua.globals().set("add", add)?;
        lua.load(
            "
            closed, events = 0, 0
            function plain(n, ...) return add(n, 1), select('#', ...) end
            function yields(n) coroutine.yield(n) local x = add(n, 1) coroutine.yield() return x end
            function fails(n) add(n, 1) error('no ' .. n) end
            function closes(n)
              local c <close> = setmetatable({}, { __close = function() closed = closed + 1 end })
              return add(n, 1)
            end
            function deep(n) if n == 0 then return add(0, 0) end return 1 + deep(n - 1) end
            function hooked(n)
              debug.sethook(function() events = events + 1 end, 'l')
              local x = add(n, 1)
              return x
            end
            function shown(n) kept = coroutine.running() return add(n, 1) end
            function is_new() return debug.gethook() == nil and coroutine.running() ~= kept end
            ",
        )
        .exec()?;
        let function = |name: &str| lua.globals().get::<Function>(name);
        let (plain, yields, fails) = (function("plain")?, function("yields")?, function("fails")?);
        let (closes, deep, hooked) = (function("closes")?, function("deep")?, function("hooked")?);
        let (shown, is_new) = (function("shown")?, function("is_new")?);
        for n in 1..40 {
            let of_plain = polls(plain.call_async::<(i64, i64)>((n, 1, 2, 3))).0?;
            assert_eq!(of_plain, (n + 1, 3), "{modes:?}");
            assert_eq!(polls(yields.call_async::<i64>(n)).0?, n + 1, "{modes:?}");
            let error = polls(fails.call_async::<i64>(n)).0.expect_err("it fails");
            assert!(error.to_string().contains(&format!("no {n}")), "{modes:?}");
            assert_eq!(polls(closes.call_async::<i64>(n)).0?, n + 1, "{modes:?}");
            assert_eq!(polls(deep.call_async::<i64>(150)).0?, 150, "{modes:?}");
            assert_eq!(polls(shown.call_async::<i64>(n)).0?, n + 1, "{modes:?}");
            let kept: Thread = lua.globals().get("kept")?;
            assert!(kept.is_finished(), "{modes:?}");
            assert!(polls(is_new.call_async::<bool>(())).0?, "{modes:?}");
            assert!(kept.is_finished(), "{modes:?}");
            assert_eq!(polls(hooked.call_async::<i64>(n)).0?, n + 1, "{modes:?}");
            assert!(polls(is_new.call_async::<bool>(())).0?, "{modes:?}");
            if n % 10 == 0 {
                lua.gc_collect()?;
            }
        }
        assert_eq!(lua.globals().get::<i64>("closed")?, 39, "{modes:?}");
        // Several at once, and one within another.
        let waiting: Vec<_> = (0..20).map(|n| plain.call_async::<i64>(n)).collect();
        let sum: i64 = waiting
            .into_iter()
            .map(|call| polls(call).0)
            .sum::<Result<i64>>()?;
        assert_eq!(sum, 190 + 20, "{modes:?}");
        // More arguments than a new coroutine has room for, and some that only it holds.
        let many: Variadic<i64> = (0..100).collect();
        assert_eq!(
            polls(plain.call_async::<(i64, i64)>((5, many))).0?,
            (6, 100)
        );
        let sizes: Function = lua.load("function(t, s) return #t + #s end").eval()?;
        let calls: Vec<_> = (0..12)
            .map(|n| sizes.call_async::<usize>((vec![true; n], "x".repeat(n))))
            .collect();
        lua.gc_collect()?;
        for (n, call) in calls.into_iter().enumerate() {
            assert_eq!(polls(call).0?, 2 * n, "{modes:?}");
        }
        lua.check_heap().map_err(Error::runtime)?;
    }
    Ok(())
}

#[test]
fn a_thread_that_a_program_has_kept_may_be_reset() -> Result<()> {
    let lua = Lua::new();
    let call: Function = lua
        .load("function() kept = coroutine.running() return 1 end")
        .eval()?;
    assert_eq!(polls(call.call_async::<i64>(())).0?, 1);
    let kept: Thread = lua.globals().get("kept")?;
    kept.reset(lua.create_function(|lua, ()| Ok(lua.current_thread()))?)?;
    assert_eq!(kept.resume::<Thread>(())?, kept);
    // Others are told of threads: they may keep any.
    let seen = Rc::new(crate::shared::RefCell::new(Vec::new()));
    let threads = seen.clone();
    lua.set_thread_event_callback(perilune::ThreadTriggers::ON_CREATE, move |_, event| {
        if let perilune::ThreadEvent::Create(thread) = event {
            threads.borrow_mut().push(thread);
        }
        Ok(())
    });
    for _ in 0..3 {
        assert_eq!(polls(call.call_async::<i64>(())).0?, 1);
    }
    lua.remove_thread_event_callback();
    assert_eq!(polls(call.call_async::<i64>(())).0?, 1);
    assert_eq!(seen.borrow().len(), 3);
    assert!(seen.borrow().iter().all(Thread::is_finished));
    Ok(())
}
