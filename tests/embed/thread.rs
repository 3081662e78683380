//! Coroutines from Rust.

use crate::common::state;
use crate::limit::MODES;
use crate::shared::{Cell, Rc};
use perilune::thread::{ThreadEvent, ThreadStatus, ThreadTriggers};
use perilune::{Error, Function, IntoLua, Lua, Result, Thread, Value};

fn function(lua: &Lua, text: &str) -> Function {
    lua.load(text).eval().expect(text)
}

#[test]
fn a_thread_gets_what_it_is_resumed_with_and_gives_what_it_yields() -> Result<()> {
    for modes in MODES {
        let lua = state(modes);
        let body = "function(s) local sum = s for i = 1, 4 do sum = sum + coroutine.yield(sum) end return sum end";
        let thread = lua.create_thread(function(&lua, body))?;
        for (given, sum) in [(0, 0), (1, 1), (2, 3), (3, 6), (4, 10)] {
            assert!(thread.is_resumable());
            assert_eq!(thread.resume::<i64>(given)?, sum, "{modes:?}");
        }
        assert!(thread.is_finished());
        assert!(matches!(
            thread.resume::<()>(()),
            Err(Error::CoroutineUnresumable)
        ));
        let thread: Thread = lua
            .load("coroutine.create(function(a, b) return coroutine.yield(b, a) end)")
            .eval()?;
        assert_eq!(
            thread.resume::<(i64, String)>(("x", 7))?,
            (7, "x".to_owned())
        );
        assert_eq!(thread.resume::<(bool, Option<i64>)>(true)?, (true, None));
        lua.check_heap().expect("a sound heap");
    }
    Ok(())
}

#[test]
fn an_error_ends_a_thread_and_tells_where_it_was() -> Result<()> {
    let lua = Lua::new();
    let body =
        "function(n) local function deep() return n + coroutine.yield() end return (deep()) end";
    let thread = lua.create_thread(function(&lua, body))?;
    thread.resume::<()>(1)?;
    let error = thread.resume::<()>(true).expect_err("an error");
    let Error::RuntimeError(text) = &error else {
        panic!("{error:?}")
    };
    assert!(
        text.contains("attempt to perform arithmetic on a boolean value"),
        "{text}"
    );
    assert!(
        text.contains("stack traceback:") && text.contains("'deep'"),
        "{text}"
    );
    assert_eq!(thread.status(), ThreadStatus::Error);
    assert!(thread.is_error() && !thread.is_finished());
    Ok(())
}

#[test]
fn the_running_thread_and_those_that_wait_for_it_are_not_resumable() -> Result<()> {
    let lua = Lua::new();
    assert!(lua.current_thread().is_running());
    let thread = lua.create_thread(lua.create_function(|lua, ()| {
        let running = lua.current_thread();
        assert_eq!(running.status(), ThreadStatus::Running);
        let error = running.resume::<()>(()).expect_err("it runs");
        assert!(matches!(error, Error::CoroutineUnresumable));
        Ok(())
    })?)?;
    thread.resume::<()>(())?;
    let check = lua.create_function(|lua, ()| {
        let outer: Thread = lua.globals().get("outer")?;
        assert!(outer.is_normal());
        let error = outer.resume::<()>(()).expect_err("it waits");
        assert!(matches!(error, Error::CoroutineUnresumable));
        Ok(())
    })?;
    lua.globals().set("check", check)?;
    let body = "function() assert(coroutine.resume(coroutine.create(function() check() end))) end";
    let outer = lua.create_thread(function(&lua, body))?;
    lua.globals().set("outer", outer.clone())?;
    outer.resume::<()>(())?;
    assert!(outer.is_finished());
    Ok(())
}

#[test]
fn a_thread_may_be_reset_wherever_it_is_but_while_it_runs() -> Result<()> {
    let lua = Lua::new();
    let thread = lua.create_thread(function(&lua, "function() return 0 end"))?;
    let closing = "function(t) local c <close> = setmetatable({}, {__close = function() t.closed = true end}) \
                   coroutine.yield(1) return 2 end";
    // It has not started, has yielded, has ended.
    thread.reset(function(&lua, closing))?;
    let seen = lua.create_table()?;
    assert_eq!(thread.resume::<i64>(seen.clone())?, 1);
    thread.reset(function(&lua, closing))?;
    assert!(seen.get::<bool>("closed")?);
    assert_eq!(thread.resume::<i64>(seen.clone())?, 1);
    assert_eq!(thread.resume::<i64>(())?, 2);
    assert!(thread.is_finished());
    thread.reset(function(&lua, "function(x) error(x) end"))?;
    // It has failed: the error is that of the first reset.
    assert!(thread.resume::<()>("away").is_err());
    assert!(thread.is_error());
    let error = thread
        .reset(function(&lua, "function() end"))
        .expect_err("its error");
    assert!(error.to_string().contains("away"), "{error}");
    assert!(thread.is_finished());
    thread.reset(function(&lua, "function() return 5 end"))?;
    assert_eq!(thread.resume::<i64>(())?, 5);
    let own = lua.create_thread(lua.create_function(|lua, ()| {
        let running = lua.current_thread();
        running.reset(lua.create_function(|_, ()| Ok(()))?)
    })?)?;
    let error = own.resume::<()>(()).expect_err("it runs");
    assert!(
        error.to_string().contains("cannot reset a running thread"),
        "{error}"
    );
    lua.check_heap().expect("a sound heap");
    Ok(())
}

#[test]
fn closing_a_thread_closes_its_variables_and_gives_their_error() -> Result<()> {
    let lua = Lua::new();
    let body = "function() local c <close> = setmetatable({}, {__close = function() error('closing', 0) end}) \
                coroutine.yield() end";
    let thread = lua.create_thread(function(&lua, body))?;
    thread.resume::<()>(())?;
    let error = thread.close().expect_err("an error");
    assert!(
        matches!(&error, Error::RuntimeError(text) if text.starts_with("closing")),
        "{error:?}"
    );
    assert!(thread.is_finished());
    thread.close()?;
    Ok(())
}

#[test]
fn a_panic_in_a_thread_goes_on_where_it_was_resumed() {
    let outcome = std::panic::catch_unwind(|| {
        let lua = Lua::new();
        let body = lua.create_function(|_, ()| -> Result<()> { panic!("test panic") });
        let thread = lua
            .create_thread(body.expect("a function"))
            .expect("a thread");
        thread.resume::<()>(())
    });
    let payload = outcome.expect_err("a panic");
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"test panic"));
}

#[test]
fn an_argument_that_is_no_value_leaves_the_thread_as_it_was() -> Result<()> {
    struct Bad;
    impl IntoLua for Bad {
        fn into_lua(self, _: &Lua) -> Result<Value> {
            Err(Error::runtime("bad argument"))
        }
    }
    let lua = Lua::new();
    let thread = lua.create_thread(lua.create_function(|_, ()| Ok("okay"))?)?;
    let error = thread.resume::<()>((123, Bad)).expect_err("an error");
    assert!(matches!(error, Error::RuntimeError(text) if text == "bad argument"));
    assert_eq!(thread.resume::<String>(())?, "okay");
    Ok(())
}

#[test]
fn a_memory_error_in_a_thread_is_one_outside() -> Result<()> {
    let lua = Lua::new();
    let thread = lua.create_thread(function(&lua, "function() return ('x'):rep(1 << 28) end"))?;
    lua.set_memory_limit(lua.used_memory() + (1 << 20))
        .expect("a limit");
    let error = thread.resume::<()>(()).expect_err("an error");
    assert!(matches!(error, Error::MemoryError(_)), "{error:?}");
    Ok(())
}

#[test]
fn threads_are_equal_if_they_are_the_same() -> Result<()> {
    let lua = Lua::new();
    let thread = lua.create_thread(function(&lua, "function() end"))?;
    assert_eq!(thread, thread.clone());
    assert_eq!(thread.to_pointer(), thread.clone().to_pointer());
    assert_ne!(thread, lua.current_thread());
    Ok(())
}

#[test]
fn a_callback_hears_of_threads_that_rust_makes_and_resumes() -> Result<()> {
    let lua = Lua::new();
    let told = Rc::new(Cell::new((0, 0, 0)));
    let count = told.clone();
    let all = ThreadTriggers::ON_CREATE | ThreadTriggers::ON_RESUME | ThreadTriggers::ON_YIELD;
    lua.set_thread_event_callback(all, move |lua, event| {
        let (made, resumed, yielded) = count.get();
        count.set(match event {
            ThreadEvent::Create(_) => (made + 1, resumed, yielded),
            ThreadEvent::Resume(_) => (made, resumed + 1, yielded),
            ThreadEvent::Yield(_) => (made, resumed, yielded + 1),
            _ => panic!("no other event"),
        });
        // It does not hear of its own.
        lua.create_thread(lua.load("return 1").into_function()?)?
            .resume::<()>(())
    });
    let thread = lua.create_thread(lua.load("coroutine.yield(1) return 2").into_function()?)?;
    assert_eq!(told.get(), (1, 0, 0));
    assert_eq!(thread.resume::<i64>(())?, 1);
    assert_eq!(told.get(), (1, 1, 1));
    assert_eq!(thread.resume::<i64>(())?, 2);
    assert_eq!(told.get(), (1, 2, 1));
    lua.remove_thread_event_callback();
    thread.reset(lua.load("return 0").into_function()?)?;
    thread.resume::<()>(())?;
    assert_eq!(told.get(), (1, 2, 1));
    Ok(())
}

#[test]
fn the_error_of_that_callback_is_the_operations() -> Result<()> {
    let lua = Lua::new();
    let body = lua.load("coroutine.yield(1)").into_function()?;
    lua.set_thread_event_callback(ThreadTriggers::ON_CREATE, |_, _| Err(Error::runtime("no")));
    let error = lua.create_thread(body.clone()).expect_err("refused");
    assert!(matches!(error, Error::RuntimeError(text) if text == "no"));
    lua.remove_thread_event_callback();
    let thread = lua.create_thread(body)?;
    lua.set_thread_event_callback(ThreadTriggers::ON_RESUME, |_, _| Err(Error::runtime("no")));
    assert!(thread.resume::<()>(()).is_err());
    assert!(thread.is_resumable());
    lua.set_thread_event_callback(ThreadTriggers::ON_YIELD, |_, _| Err(Error::runtime("no")));
    assert!(thread.resume::<()>(()).is_err());
    assert!(thread.is_resumable());
    Ok(())
}
