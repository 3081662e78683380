//! States that several threads use (feature `send`).
//!
//! What must not happen is undefined behaviour, so these tests are written for tools that look for it, too:
//! with smaller sizes, and without compiled code, under Miri.

use perilune::{
    AnyUserData, AsyncCallFuture, AsyncThread, BString, BorrowedBytes, BorrowedStr, Chunk, Error,
    Function, InterruptHandle, LightUserData, Lua, LuaString, MultiValue, Options, RegistryKey,
    Result, Table, Thread, UserData, UserDataMethods, UserDataOwned, UserDataRef, UserDataRefMut,
    Value, Variadic, WeakLua,
};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, RwLock};
use std::thread;
use std::time::{Duration, Instant};

/// A few rounds under Miri, more elsewhere.
const ROUNDS: usize = if cfg!(miri) { 20 } else { 2000 };

fn state() -> Result<Lua> {
    if cfg!(miri) {
        let options = Options::new().with_mode("off");
        return Lua::with_options(&options.map_err(Error::external)?);
    }
    Ok(Lua::new())
}

fn is_send_and_sync<T: Send + Sync>() {}
fn is_send<T: Send>(value: T) -> T {
    value
}

#[test]
fn everything_that_mlua_has_so_can_be_sent_and_shared() {
    struct Plain;
    is_send_and_sync::<Lua>();
    is_send_and_sync::<WeakLua>();
    is_send_and_sync::<Value>();
    is_send_and_sync::<MultiValue>();
    is_send_and_sync::<Variadic<Value>>();
    is_send_and_sync::<Table>();
    is_send_and_sync::<Function>();
    is_send_and_sync::<Thread>();
    is_send_and_sync::<LuaString>();
    is_send_and_sync::<BorrowedStr>();
    is_send_and_sync::<BorrowedBytes>();
    is_send_and_sync::<BString>();
    is_send_and_sync::<LightUserData>();
    is_send_and_sync::<AnyUserData>();
    is_send_and_sync::<UserDataRef<Plain>>();
    is_send_and_sync::<UserDataRefMut<Plain>>();
    is_send_and_sync::<UserDataOwned<Plain>>();
    is_send_and_sync::<RegistryKey>();
    is_send_and_sync::<Error>();
    is_send_and_sync::<InterruptHandle>();
    is_send_and_sync::<AsyncThread<()>>();
    is_send_and_sync::<AsyncCallFuture<()>>();
    fn futures(chunk: Chunk<'static>, function: &Function, lua: &Lua) {
        drop(is_send(chunk.eval_async::<i64>()));
        drop(is_send(function.call_async::<i64>(())));
        drop(is_send(lua.yield_with::<i64>(())));
    }
    let _ = futures;
}

#[test]
fn a_state_is_made_in_one_thread_used_in_another_and_dropped_in_a_third() -> Result<()> {
    struct Noted(Arc<AtomicUsize>);
    impl Drop for Noted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let dropped = Arc::new(AtomicUsize::new(0));
    let made = thread::spawn({
        let noted = Noted(dropped.clone());
        move || {
            let lua = state()?;
            lua.globals().set("kept", lua.create_any_userdata(noted)?)?;
            lua.load("sum = 0; function add(n) for i = 1, n do sum = sum + i end return sum end")
                .exec()?;
            Ok::<_, Error>(lua)
        }
    });
    let lua = made.join().unwrap()?;
    let used = thread::spawn(move || {
        let add: Function = lua.globals().get("add")?;
        assert_eq!(add.call::<i64>(200)?, 20100);
        Ok::<_, Error>((lua, add))
    });
    let (lua, add) = used.join().unwrap()?;
    assert_eq!(dropped.load(Ordering::SeqCst), 0);
    thread::spawn(move || drop(lua)).join().unwrap();
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
    assert!(add.call::<i64>(1).is_err(), "its state is gone");
    Ok(())
}

#[test]
fn the_last_of_many_owners_closes_the_state() -> Result<()> {
    for _ in 0..ROUNDS / 20 {
        let closed = Arc::new(AtomicUsize::new(0));
        let lua = state()?;
        let noted = closed.clone();
        let finaliser = lua.create_function(move |_, ()| {
            noted.fetch_add(1, Ordering::SeqCst);
            Ok(())
        })?;
        lua.globals().set("finaliser", finaliser)?;
        lua.load("kept = setmetatable({}, {__gc = function() finaliser() end})")
            .exec()?;
        let weak = lua.weak();
        let together = Arc::new(Barrier::new(4));
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let (lua, weak, together) = (lua.clone(), weak.clone(), together.clone());
                thread::spawn(move || {
                    together.wait();
                    let globals = lua.globals();
                    drop(lua);
                    // What is left may be a handle of a state that is gone, or one that still is there.
                    let _ = globals.get::<Value>("finaliser");
                    drop(weak.try_upgrade());
                })
            })
            .collect();
        together.wait();
        drop(lua);
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(closed.load(Ordering::SeqCst), 1);
        assert!(weak.try_upgrade().is_none());
    }
    Ok(())
}

#[test]
fn several_threads_call_into_one_state_at_once() -> Result<()> {
    const THREADS: i64 = 4;
    let calls = ROUNDS as i64 / 20;
    let lua = state()?;
    lua.load(
        "sum, calls = 0, {}
        function work(n)
            for i = 1, 300 do sum = sum + 1 end
            calls[#calls + 1] = {n = n}
            return #calls
        end",
    )
    .exec()?;
    let work: Function = lua.globals().get("work")?;
    thread::scope(|scope| {
        for n in 0..THREADS {
            let (work, lua) = (&work, &lua);
            scope.spawn(move || {
                for _ in 0..calls {
                    assert!(work.call::<i64>(n).unwrap() > 0);
                    lua.globals().set("last", n).unwrap();
                    let text = lua.create_string(format!("{n}")).unwrap();
                    assert_eq!(text.to_str().unwrap(), n.to_string());
                }
            });
        }
    });
    assert_eq!(lua.globals().get::<i64>("sum")?, THREADS * calls * 300);
    assert_eq!(
        lua.globals().get::<Table>("calls")?.raw_len() as i64,
        THREADS * calls
    );
    #[cfg(not(miri))]
    lua.check_heap().map_err(Error::runtime)?;
    Ok(())
}

#[test]
fn threads_drop_and_clone_handles_while_another_one_makes_garbage() -> Result<()> {
    let lua = state()?;
    let is_done = AtomicBool::new(false);
    let (give, take) = std::sync::mpsc::channel::<Table>();
    thread::scope(|scope| {
        scope.spawn({
            let is_done = &is_done;
            move || {
                let mut kept = Vec::new();
                for (n, table) in take.iter().enumerate() {
                    if n % 3 == 0 {
                        kept.push(table.clone());
                    }
                    drop(table);
                    if kept.len() > 50 {
                        for (n, table) in kept.drain(..).enumerate() {
                            assert_eq!(table.get::<i64>("n").unwrap() % 3, 0, "{n}");
                        }
                    }
                }
                is_done.store(true, Ordering::SeqCst);
            }
        });
        let give_away = give.clone();
        let made = AtomicUsize::new(0);
        let away = lua.create_function(move |lua, ()| {
            let n = made.fetch_add(1, Ordering::SeqCst);
            let table = lua.create_table_from([("n", n)])?;
            give_away.send(table).map_err(Error::external)
        });
        lua.globals().set("away", away.unwrap()).unwrap();
        drop(give);
        lua.load("local n = ...; for i = 1, n do local t = {{}, 'a' .. i}; away() end")
            .call::<()>(ROUNDS)
            .unwrap();
        // The sender that the function holds goes with it.
        lua.globals().set("away", Value::Nil).unwrap();
        while !is_done.load(Ordering::SeqCst) {
            lua.gc_collect().unwrap();
            thread::yield_now();
        }
    });
    lua.gc_collect()?;
    lua.check_heap().map_err(Error::runtime)
}

#[test]
fn dropping_a_handle_waits_for_nobody() -> Result<()> {
    let lua = state()?;
    let table = lua.create_table()?;
    let text = lua.create_string("text")?;
    let (dropped, waiting) = std::sync::mpsc::channel();
    let waiting = Mutex::new(waiting);
    let wait = lua.create_function(move |_, ()| {
        waiting
            .lock()
            .unwrap()
            .recv_timeout(Duration::from_secs(60))
            .map_err(Error::external)
    })?;
    thread::scope(|scope| {
        scope.spawn(|| {
            drop((table, text));
            dropped.send(()).unwrap();
        });
        // The callback is in the state until the handles are dropped.
        wait.call::<()>(()).unwrap();
    });
    lua.check_heap().map_err(Error::runtime)
}

/// Polls a future by several threads in turn.
fn poll_by_turns<F>(mut future: std::pin::Pin<Box<F>>) -> F::Output
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    loop {
        let polled = thread::spawn(move || {
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            let polled = future.as_mut().poll(&mut context);
            (future, polled)
        });
        match polled.join().unwrap() {
            (_, std::task::Poll::Ready(output)) => return output,
            (pending, _) => future = pending,
        }
    }
}

/// Is pending a few times.
async fn pause(mut times: usize) {
    std::future::poll_fn(move |context| {
        if times == 0 {
            return std::task::Poll::Ready(());
        }
        times -= 1;
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

#[test]
fn a_future_goes_from_thread_to_thread() -> Result<()> {
    let lua = state()?;
    let slow = lua.create_async_function(|lua, n: i64| async move {
        let before = lua.create_string("kept across the await")?;
        pause(3).await;
        assert_eq!(before.to_str()?, "kept across the await");
        lua.globals().set("seen", n)?;
        Ok(n * 2)
    })?;
    lua.globals().set("slow", slow)?;
    let chunk = lua.load("local sum = 0; for i = 1, 5 do sum = sum + slow(i) end return sum");
    let sum: i64 = poll_by_turns(Box::pin(chunk.eval_async()))?;
    assert_eq!((sum, lua.globals().get::<i64>("seen")?), (30, 5));
    Ok(())
}

#[cfg(not(miri))]
#[test]
fn futures_run_on_the_workers_of_tokio() -> Result<()> {
    struct Counter(AtomicUsize);
    impl UserData for Counter {
        fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
            methods.add_async_method(
                "add",
                |_, this: UserDataRef<Counter>, n: usize| async move {
                    tokio::task::yield_now().await;
                    Ok(this.0.fetch_add(n, Ordering::SeqCst))
                },
            );
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(3)
        .enable_time()
        .build()
        .map_err(Error::external)?;
    let lua = state()?;
    let sleep = lua.create_async_function(|_, millis: u64| async move {
        tokio::time::sleep(Duration::from_millis(millis)).await;
        Ok(())
    })?;
    lua.globals().set("sleep", sleep)?;
    lua.globals().set("counter", Counter(AtomicUsize::new(0)))?;
    let body: Function = lua
        .load(
            "function(n)
                local sum = 0
                for i = 1, 10 do
                    for j = 1, 100 do sum = sum + j end
                    counter:add(1)
                    if i % 4 == 0 then sleep(1) end
                end
                return sum + n
            end",
        )
        .eval()?;
    let tasks: Vec<_> = (0..16)
        .map(|n| runtime.spawn(body.call_async::<i64>(n)))
        .collect();
    for (n, task) in tasks.into_iter().enumerate() {
        assert_eq!(runtime.block_on(task).unwrap()?, 50500 + n as i64);
    }
    let counter: UserDataRef<Counter> = lua.globals().get("counter")?;
    assert_eq!(counter.0.load(Ordering::SeqCst), 160);
    Ok(())
}

#[test]
fn dropped_futures_end_their_coroutines_in_any_thread() -> Result<()> {
    let lua = state()?;
    let never = lua.create_async_function(|_, ()| async {
        std::future::pending::<()>().await;
        Ok(())
    })?;
    lua.globals().set("never", never)?;
    let chunk = lua.load(
        "local c <close> = setmetatable({}, {__close = function() closed = true end}) never()",
    );
    let mut future = Box::pin(chunk.into_function()?.call_async::<()>(()));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(future.as_mut().poll(&mut context).is_pending());
    thread::spawn(move || drop(future)).join().unwrap();
    assert!(lua.globals().get::<bool>("closed")?);
    Ok(())
}

#[test]
fn values_that_are_shared_are_used_by_several_threads() -> Result<()> {
    #[derive(Default)]
    struct Account {
        balance: i64,
    }
    impl UserData for Account {
        fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
            methods.add_method_mut("pay", |_, this, n: i64| {
                this.balance += n;
                Ok(())
            });
            methods.add_method("balance", |_, this, ()| Ok(this.balance));
        }
    }
    let lua = state()?;
    let mutex = Arc::new(Mutex::new(Account::default()));
    let lock = Arc::new(RwLock::new(Account::default()));
    let fast = Arc::new(parking_lot::Mutex::new(Account::default()));
    lua.globals().set("mutex", mutex.clone())?;
    lua.globals().set("lock", lock.clone())?;
    lua.globals().set("fast", fast.clone())?;
    // A lock that another thread has is an error, not a wait: nobody waits for a lock with the state held.
    let program = lua
        .load(
            "local n = ...
            local refused = 0
            for i = 1, n do
                for _, account in ipairs {mutex, lock, fast} do
                    while not pcall(account.pay, account, 1) do refused = refused + 1 end
                end
            end
            return refused",
        )
        .into_function()?;
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..ROUNDS {
                mutex.lock().unwrap().balance += 1;
                lock.write().unwrap().balance += 1;
                fast.lock().balance += 1;
            }
        });
        for _ in 0..2 {
            scope.spawn(|| program.call::<i64>(ROUNDS).unwrap());
        }
    });
    let all = 3 * ROUNDS as i64;
    assert_eq!(mutex.lock().unwrap().balance, all);
    assert_eq!(lock.read().unwrap().balance, all);
    assert_eq!(lua.load("return fast:balance()").eval::<i64>()?, all);
    // A reference holds the lock, and lets it go in another thread.
    let reference: UserDataRefMut<Account> = lua.globals().get("fast")?;
    assert!(fast.try_lock().is_none());
    thread::spawn(move || drop(reference)).join().unwrap();
    assert!(fast.try_lock().is_some());
    Ok(())
}

#[test]
fn references_to_userdata_are_used_in_other_threads() -> Result<()> {
    struct Name(String);
    impl UserData for Name {
        fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
            methods.add_method("get", |lua, this, ()| {
                let again: UserDataRef<Name> = lua.globals().get("name")?;
                Ok(format!("{}{}", this.0, again.0))
            });
            methods.add_method_mut("set", |_, this, name: String| {
                this.0 = name;
                Ok(())
            });
        }
    }
    let lua = state()?;
    lua.globals().set("name", Name("a".to_owned()))?;
    let reference: UserDataRef<Name> = lua.globals().get("name")?;
    thread::scope(|scope| {
        let used = scope.spawn(|| {
            let other: UserDataRef<Name> = lua.globals().get("name").unwrap();
            assert_eq!((other.0.as_str(), reference.0.as_str()), ("a", "a"));
            lua.load("return name:get()").eval::<String>().unwrap()
        });
        assert_eq!(used.join().unwrap(), "aa");
    });
    let changed = lua.load("name:set('b')");
    assert!(changed.exec().is_err(), "it is borrowed");
    thread::spawn(move || drop(reference)).join().unwrap();
    lua.load("name:set('b')").exec()?;
    assert_eq!(lua.globals().get::<UserDataRef<Name>>("name")?.0, "b");
    Ok(())
}

#[test]
fn a_thread_that_a_callback_starts_waits_until_the_callback_has_returned() -> Result<()> {
    let lua = state()?;
    let started = Arc::new(Mutex::new(Vec::new()));
    let handles = started.clone();
    let start = lua.create_function(move |lua, function: Function| {
        let (lua, other) = (lua.clone(), function);
        handles.lock().unwrap().push(thread::spawn(move || {
            other.call::<()>(())?;
            lua.globals().get::<String>("order")
        }));
        // Were the state free meanwhile, the thread would be first.
        thread::sleep(Duration::from_millis(20));
        Ok(())
    })?;
    lua.globals().set("start", start)?;
    lua.load(
        "order = ''; start(function() order = order .. 'thread' end) order = order .. 'caller '",
    )
    .exec()?;
    let thread = started.lock().unwrap().pop().unwrap();
    assert_eq!(thread.join().unwrap()?, "caller thread");
    Ok(())
}

#[test]
fn a_scope_keeps_other_threads_out_of_the_state() -> Result<()> {
    let lua = state()?;
    let caller = thread::current().id();
    let seen = std::cell::Cell::new(0);
    thread::scope(|threads| {
        lua.scope(|scope| {
            // Neither `Send` nor `Sync`, and never called elsewhere.
            let note = scope.create_function(|_, ()| {
                assert_eq!(thread::current().id(), caller);
                seen.set(seen.get() + 1);
                Ok(())
            })?;
            let other = note.clone();
            let called = threads.spawn(move || other.call::<()>(()));
            for _ in 0..10 {
                note.call::<()>(())?;
                thread::sleep(Duration::from_millis(1));
            }
            Ok(called)
        })
        .map(|called| match called.join().unwrap() {
            Err(Error::CallbackError { cause, .. }) => {
                assert!(matches!(*cause, Error::CallbackDestructed), "{cause}");
            }
            other => panic!("{other:?}"),
        })
    })?;
    assert_eq!(seen.get(), 10);
    Ok(())
}

#[test]
fn data_of_the_program_is_used_by_one_thread_at_a_time() -> Result<()> {
    let lua = state()?;
    lua.set_app_data(0usize);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..ROUNDS / 10 {
                    if let Some(mut count) = lua.app_data_mut::<usize>() {
                        *count += 1;
                    }
                }
            });
        }
    });
    assert_eq!(lua.remove_app_data::<usize>(), Some(3 * (ROUNDS / 10)));
    Ok(())
}

#[test]
fn recursion_ends_with_an_error_in_a_thread_with_less_stack() -> Result<()> {
    let with_stack = |bytes: usize| thread::Builder::new().stack_size(bytes);
    let large = if cfg!(miri) { 1 << 20 } else { 64 << 20 };
    let made = with_stack(large).spawn(|| {
        let lua = state()?;
        // Through Rust, through a library function that calls back, and in Lua alone.
        let again = lua.create_function(|_, f: Function| f.call::<()>(()))?;
        lua.globals().set("again", again)?;
        lua.load(
            "local function direct(n) return 1 + direct(n + 1) end
            local function through() again(through) end
            local function sorted() table.sort({1, 2, 3}, function() sorted() end) end
            local function text() return (string.gsub('a', 'a', function() return text() end)) end
            function deep()
                for _, f in ipairs {direct, through, sorted, text} do
                    local ok, why = pcall(f, 1)
                    assert(not ok and tostring(why):find 'overflow', tostring(why))
                end
                return true
            end",
        )
        .exec()?;
        assert!(lua.load("return deep()").eval::<bool>()?);
        Ok::<_, Error>(lua)
    });
    let lua = made.unwrap().join().unwrap()?;
    let used = with_stack(2 << 20).spawn(move || lua.load("return deep()").eval::<bool>());
    assert!(used.unwrap().join().unwrap()?);
    Ok(())
}

#[test]
fn an_interrupt_reaches_the_thread_that_runs() -> Result<()> {
    let lua = state()?;
    let handle = lua.interrupt_handle();
    let is_running = Arc::new(AtomicBool::new(false));
    let told = is_running.clone();
    let begin = lua.create_function(move |_, ()| {
        told.store(true, Ordering::SeqCst);
        Ok(())
    })?;
    lua.globals().set("begin", begin)?;
    let endless = lua.load("begin() while true do end").into_function()?;
    thread::scope(|scope| {
        let runs = scope.spawn(move || endless.call::<()>(()));
        let since = Instant::now();
        while !is_running.load(Ordering::SeqCst) && since.elapsed() < Duration::from_secs(60) {
            thread::yield_now();
        }
        handle.interrupt();
        assert!(runs.join().unwrap().is_err());
    });
    assert_eq!(lua.load("return 1").eval::<i64>()?, 1);
    Ok(())
}

#[test]
fn a_panic_lets_the_state_go() -> Result<()> {
    let lua = state()?;
    let fails = lua.create_function(|_, ()| -> Result<()> {
        std::panic::resume_unwind(Box::new("it fails"))
    })?;
    let failed = thread::spawn(move || fails.call::<()>(())).join();
    assert!(failed.is_err());
    let again = thread::spawn(move || lua.load("return 2").eval::<i64>());
    assert_eq!(again.join().unwrap()?, 2);
    Ok(())
}
