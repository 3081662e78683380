//! Asynchronous methods, functions and metamethods of userdata, and wrapped asynchronous functions.

use crate::common::state;
use crate::future::{pause, polls};
use crate::limit::MODES;
use crate::shared::Rc;
use perilune::{
    Error, Function, Lua, LuaOptions, MetaMethod, ObjectLike, Result, StdLib, Table, UserData,
    UserDataFields, UserDataMethods, Value,
};
use std::pin::pin;
use std::task::{Context, Waker};

/// A number of milliseconds, or of whatever else.
struct Delay(u64);

impl UserData for Delay {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_async_method("get", |_, this, ()| async move {
            pause().await;
            Ok(this.0)
        });
        methods.add_async_method_mut("set", |_, mut this, n: u64| async move {
            pause().await;
            this.0 = n;
            Ok(())
        });
        methods.add_async_method_once("take", |_, this, _: Option<u64>| async move {
            pause().await;
            Ok(this.0)
        });
        methods.add_async_function("wait", |_, n: u64| async move {
            pause().await;
            Ok(format!("waited {n}"))
        });
        methods.add_async_meta_method(MetaMethod::Call, |_, this, n: u64| async move {
            pause().await;
            Ok(this.0 + n)
        });
        methods.add_async_meta_method(MetaMethod::Index, |_, this, key: String| async move {
            pause().await;
            Ok((key == "seconds").then_some(this.0 as f64 / 1000.0))
        });
        let set = |_, mut this: perilune::UserDataRefMut<Delay>, (key, value): (String, f64)| async move {
            pause().await;
            if key != "seconds" {
                return Err(Error::external(format!("no field '{key}'")));
            }
            this.0 = (value * 1000.0) as u64;
            Ok(())
        };
        methods.add_async_meta_method_mut(MetaMethod::NewIndex, set);
        let add = |_, (a, b): (Value, Value)| async move {
            pause().await;
            let number = |value: &Value| match value {
                Value::UserData(delay) => delay.borrow::<Delay>().map(|delay| delay.0),
                other => Ok(other.as_u64().unwrap_or(0)),
            };
            Ok(Delay(number(&a)? + number(&b)?))
        };
        methods.add_async_meta_function(MetaMethod::Add, add);
    }
}

#[test]
fn methods_and_operators_wait() -> Result<()> {
    for modes in MODES {
        let lua = state(modes);
        lua.globals().set("delay", Delay(11))?;
        let text = "
            for i = 1, 30 do
                delay:set(i)
                assert(delay:get() == i and delay(1) == i + 1)
                assert(delay.wait(i) == 'waited ' .. i)
                assert((delay + i):get() == 2 * i and (i + delay):get() == 2 * i)
                delay.seconds = i
                assert(delay.seconds == i and delay.minutes == nil)
                local ok, e = pcall(function() delay.minutes = 1 end)
                assert(not ok and tostring(e):find(\"no field 'minutes'\", 1, true))
            end
            return delay:get()";
        let (result, pending) = polls(lua.load(text).eval_async::<u64>());
        assert_eq!(result?, 30_000, "{modes:?}");
        assert!(pending >= 300, "{modes:?}: {pending}");
        lua.check_heap().expect("a sound heap");
    }
    Ok(())
}

#[test]
fn objects_have_asynchronous_calls() -> Result<()> {
    let lua = Lua::new();
    let delay = lua.create_userdata(Delay(1))?;
    polls(delay.call_async_method::<()>("set", 24)).0?;
    assert_eq!(polls(delay.call_async_method::<u64>("get", ())).0?, 24);
    assert_eq!(polls(delay.call_async::<u64>(2)).0?, 26);
    let text: String = polls(delay.call_async_function("wait", 3)).0?;
    assert_eq!(text, "waited 3");
    let table: Table = lua
        .load("setmetatable({n = 5, get = function(t, m) return t.n + m end}, {__call = function(t) return t.n end})")
        .eval()?;
    assert_eq!(polls(table.call_async_method::<i64>("get", 2)).0?, 7);
    assert_eq!(polls(table.call_async::<i64>(())).0?, 5);
    assert_eq!(
        polls(table.call_async_function::<i64>("get", (&table, 1))).0?,
        6
    );
    let missing = polls(table.call_async_method::<()>("missing", ())).0;
    let text = missing.expect_err("there is no such function").to_string();
    assert!(
        text.contains("attempt to call a nil value (function 'missing')"),
        "{text}"
    );
    Ok(())
}

#[test]
fn a_value_is_borrowed_while_its_method_waits() -> Result<()> {
    let lua = Lua::new();
    let delay = lua.create_userdata(Delay(1))?;
    let mut context = Context::from_waker(Waker::noop());
    {
        let mut reads = pin!(delay.call_async_method::<u64>("get", ()));
        assert!(reads.as_mut().poll(&mut context).is_pending());
        assert_eq!(delay.borrow::<Delay>()?.0, 1);
        let other = polls(delay.call_async_method::<()>("set", 2)).0;
        let text = other.expect_err("it is borrowed").to_string();
        assert!(
            text.contains("bad argument `self` to `Delay.set`"),
            "{text}"
        );
        assert!(delay.borrow_mut::<Delay>().is_err());
    }
    // The call was dropped, and its borrow with it.
    delay.borrow_mut::<Delay>()?.0 = 7;
    {
        let mut writes = pin!(delay.call_async_method::<()>("set", 9));
        assert!(writes.as_mut().poll(&mut context).is_pending());
        assert!(delay.borrow::<Delay>().is_err());
        // Destroyed meanwhile, it lives on until the method is done.
        delay.destroy()?;
        assert!(matches!(
            writes.as_mut().poll(&mut context),
            std::task::Poll::Ready(Ok(()))
        ));
    }
    assert!(delay.borrow::<Delay>().is_err());
    lua.gc_collect()?;
    lua.check_heap().expect("a sound heap");
    Ok(())
}

#[test]
fn a_method_may_consume_the_value() -> Result<()> {
    let lua = Lua::new();
    lua.globals().set("delay", Delay(24))?;
    lua.globals().set("other", Delay(0))?;
    // A call with bad arguments leaves it.
    assert!(polls(lua.load("delay:take {}").exec_async()).0.is_err());
    polls(lua.load("assert(delay:take() == 24)").exec_async()).0?;
    match polls(lua.load("other.take(delay)").exec_async()).0 {
        Err(Error::CallbackError { cause, .. }) => {
            let text = cause.to_string();
            assert!(
                text.contains("bad argument `self` to `Delay.take`"),
                "{text}"
            );
            assert!(text.contains("userdata has been destructed"), "{text}");
        }
        other => panic!("{other:?}"),
    }
    for (arguments, why) in [
        ("", "missing argument"),
        ("1", "integer"),
        ("other, 'x'", "bad argument #2 to `Delay.set`"),
        ("io.stdout", "userdata is not expected type"),
    ] {
        lua.globals().set("set", set_function(&lua)?)?;
        let text = format!("set({arguments})");
        let error = polls(lua.load(text).exec_async()).0.expect_err(arguments);
        assert!(error.to_string().contains(why), "{arguments}: {error}");
    }
    Ok(())
}

/// `Delay.set` as a function.
fn set_function(lua: &Lua) -> Result<Function> {
    let delay = lua.create_userdata(Delay(0))?;
    let load = lua.load("local delay = ... return delay.set");
    polls(load.call_async::<Function>(delay)).0
}

#[test]
fn a_state_ends_with_what_its_methods_wait_for() -> Result<()> {
    let held = Rc::new(());
    struct Holds(Rc<()>);
    impl UserData for Holds {
        fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
            methods.add_async_method("wait", |_, this, ()| async move {
                let _held = this.0.clone();
                loop {
                    pause().await;
                }
                #[expect(unreachable_code, reason = "the type of the result")]
                Ok(())
            });
        }
        fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
            fields.add_field("kind", "holder");
        }
    }
    let lua = Lua::new();
    lua.globals().set("holder", Holds(held.clone()))?;
    let mut call = Box::pin(
        lua.load("assert(holder.kind == 'holder') holder:wait()")
            .exec_async(),
    );
    let mut context = Context::from_waker(Waker::noop());
    assert!(call.as_mut().poll(&mut context).is_pending());
    drop(lua);
    assert_eq!(Rc::strong_count(&held), 3);
    drop(call);
    assert_eq!(Rc::strong_count(&held), 1);
    Ok(())
}

#[test]
fn asynchronous_functions_are_wrapped() -> Result<()> {
    let lua = Lua::new();
    let echo = Function::wrap_async(|text: String| async move {
        pause().await;
        Ok::<_, Error>(text)
    });
    lua.globals().set("echo", echo)?;
    let echoed = polls(lua.load("echo('hello')").eval_async::<String>());
    assert_eq!((echoed.0?.as_str(), echoed.1), ("hello", 1));
    let fails = Function::wrap_async(|| async move { Err::<(), _>("some error") });
    lua.globals().set("fails", fails)?;
    let text = "local ok, e = pcall(fails) return not ok and tostring(e):find('some error') ~= nil";
    assert!(polls(lua.load(text).eval_async::<bool>()).0?);
    let raw = Function::wrap_raw_async(|a: i64, b: i64| async move {
        pause().await;
        if a == b {
            Err("they are equal")
        } else {
            Ok(a - b)
        }
    });
    lua.globals().set("raw", raw)?;
    assert_eq!(polls(lua.load("raw(5, 3)").eval_async::<i64>()).0?, 2);
    let (none, why): (Value, String) = polls(lua.load("raw(5, 5)").eval_async()).0?;
    assert_eq!((none, why.as_str()), (Value::Nil, "they are equal"));
    Ok(())
}

#[test]
fn coroutines_of_calls_are_used_again() -> Result<()> {
    let options = LuaOptions::new().thread_pool_size(2);
    let lua = Lua::new_with(StdLib::ALL, options)?;
    let state = Rc::new(());
    let held = state.clone();
    let waits = lua.create_async_function(move |_, n: i64| {
        let _held = held.clone();
        async move {
            pause().await;
            if n == 0 {
                Err(Error::runtime("nothing"))
            } else {
                Ok(n)
            }
        }
    })?;
    lua.globals().set("waits", &waits)?;
    // What a coroutine takes.
    lua.gc_stop();
    let before = lua.used_memory();
    let body: Function = lua.load("function() end").eval()?;
    let made: Vec<_> = (0..20).map(|_| lua.create_thread(body.clone())).collect();
    let coroutine = (lua.used_memory() - before) / made.len();
    drop(made);
    // What something takes each time when nothing is freed.
    let growth = |act: &mut dyn FnMut() -> Result<()>| -> Result<usize> {
        act()?;
        let before = lua.used_memory();
        for _ in 0..20 {
            act()?;
        }
        Ok((lua.used_memory() - before) / 20)
    };
    let one = growth(&mut || {
        assert_eq!(polls(waits.call_async::<i64>(7)).0?, 7);
        Ok(())
    })?;
    assert!(
        one < coroutine,
        "{one} bytes for each call, a coroutine takes {coroutine}"
    );
    // One that ended by an error, too.
    let failing = growth(&mut || {
        assert!(polls(waits.call_async::<i64>(0)).0.is_err());
        Ok(())
    })?;
    assert!(
        failing < coroutine,
        "{failing} bytes, a coroutine takes {coroutine}"
    );
    // One that is dropped is closed.
    let mut context = Context::from_waker(Waker::noop());
    let text =
        "local c <close> = setmetatable({}, {__close = function() closed = true end}) waits(1)";
    let mut dropped = Box::pin(lua.load(text).exec_async());
    assert!(dropped.as_mut().poll(&mut context).is_pending());
    drop(dropped);
    assert!(lua.globals().get::<bool>("closed")?);
    // All are kept of as many as are needed at a time, if these are few.
    let five = growth(&mut || {
        let mut calls: Vec<_> = (1..=5)
            .map(|n| Box::pin(waits.call_async::<i64>(n)))
            .collect();
        for call in &mut calls {
            assert!(call.as_mut().poll(&mut context).is_pending());
        }
        for (n, call) in (1..).zip(calls) {
            assert_eq!(polls(call).0?, n);
        }
        Ok(())
    })?;
    assert!(
        five < 5 * coroutine,
        "{five} bytes for five calls, a coroutine takes {coroutine}"
    );
    lua.gc_restart();
    lua.gc_collect()?;
    lua.check_heap().expect("a sound heap");
    let weak = Rc::downgrade(&state);
    drop((waits, lua, state));
    assert!(weak.upgrade().is_none(), "the state is still there");
    Ok(())
}
