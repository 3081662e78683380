//! Functions: calls both ways, bound arguments, captures, panics.

use crate::common::state;
use crate::shared::Rc;
use perilune::{Error, Function, Lua, MultiValue, Result, Table, Value, Variadic};
use std::panic::{AssertUnwindSafe, catch_unwind};

#[test]
fn arguments_and_results() -> Result<()> {
    let lua = Lua::new();
    let function: Function = lua
        .load("function(a, b, ...) return b, a, ... end")
        .eval()?;
    assert_eq!(function.call::<(i64, String)>(("x", 2))?, (2, "x".into()));
    let all = function.call::<MultiValue>((1, 2, 3, 4))?;
    assert_eq!(all.len(), 4);
    let (_, rest): (i64, Variadic<i64>) = function.call((1, 2, Variadic::from(vec![5, 6])))?;
    assert_eq!(*rest, [1, 5, 6]);
    function.call::<()>(())?;
    Ok(())
}

#[test]
fn rust_functions_are_called() -> Result<()> {
    let lua = Lua::new();
    let add = lua.create_function(|_, (a, b): (i64, i64)| Ok(a + b))?;
    lua.globals().set("add", &add)?;
    assert_eq!(lua.load("add(1, 2) + add('3', 4.0)").eval::<i64>()?, 10);
    let error = lua.load("add(1, {})").exec().expect_err("no number");
    let Error::CallbackError { cause, .. } = &error else {
        panic!("{error:?}");
    };
    assert!(
        matches!(&**cause, Error::BadArgument { pos: 2, .. }),
        "{error:?}"
    );
    // From within a callback, Lua may be called, and things made.
    let apply = lua.create_function(|lua, (f, n): (Function, i64)| {
        let table = lua.create_table()?;
        for i in 1..=n {
            table.raw_push(f.call::<Value>(i)?)?;
            lua.gc_collect()?;
        }
        Ok(table)
    })?;
    lua.globals().set("apply", apply)?;
    let code = "local t = apply(function(x) return {x * 2} end, 50) return #t, t[50][1]";
    assert_eq!(lua.load(code).eval::<(i64, i64)>()?, (50, 100));
    Ok(())
}

#[test]
fn callbacks_in_hot_loops_give_the_same_everywhere() -> Result<()> {
    for modes in [&["off"][..], &["on"]] {
        let lua = state(modes);
        let mut calls = 0;
        let count = lua.create_function_mut(move |_, n: i64| {
            calls += 1;
            if n % 100 == 0 {
                Err(Error::runtime("round"))
            } else {
                Ok(calls + n)
            }
        })?;
        lua.globals().set("count", count)?;
        let code = "local sum, failed = 0, 0
            for i = 1, 2000 do
              local ok, n = pcall(count, i)
              if ok then sum = sum + n else failed = failed + 1 end
            end
            return sum, failed";
        assert_eq!(
            lua.load(code).eval::<(i64, i64)>()?,
            (3_960_000, 20),
            "{modes:?}"
        );
        lua.check_heap().expect("a whole heap");
    }
    Ok(())
}

#[test]
fn bound_arguments_come_first() -> Result<()> {
    let lua = Lua::new();
    let concat: Function = lua
        .load("function(...) return table.concat({...}, '-') end")
        .eval()?;
    let bound = concat.bind(("a", 1))?.bind("b")?;
    assert_eq!(bound.call::<String>(("c", 2))?, "a-1-b-c-2");
    assert_eq!(bound.call::<String>(())?, "a-1-b");
    Ok(())
}

#[test]
fn a_bound_function_does_not_keep_its_state_alive() -> Result<()> {
    let token = Rc::new(());
    let lua = Lua::new();
    let captured = token.clone();
    let function = lua.create_function(move |_, ()| Ok(Rc::strong_count(&captured) as i64))?;
    lua.globals().set("bound", function.bind(1)?)?;
    assert_eq!(lua.load("bound()").eval::<i64>()?, 2);
    drop((function, lua));
    assert_eq!(Rc::strong_count(&token), 1);
    Ok(())
}

#[test]
fn a_mutable_callback_does_not_run_within_itself() -> Result<()> {
    let lua = Lua::new();
    let function = lua.create_function_mut(|_, f: Option<Function>| match f {
        Some(f) => f.call::<()>(()),
        None => Ok(()),
    })?;
    lua.globals().set("f", &function)?;
    lua.load("f()").exec()?;
    let error = lua.load("f(f)").exec().expect_err("it is running");
    assert!(error.to_string().contains("recursively"), "{error}");
    Ok(())
}

#[test]
fn captures_are_dropped_with_the_function() -> Result<()> {
    let lua = Lua::new();
    let token = Rc::new(());
    let captured = token.clone();
    let function = lua.create_function(move |_, ()| Ok(Rc::strong_count(&captured) as i64))?;
    assert_eq!(function.call::<i64>(())?, 2);
    lua.gc_collect()?;
    assert_eq!(Rc::strong_count(&token), 2);
    drop(function);
    lua.gc_collect()?;
    assert_eq!(Rc::strong_count(&token), 1);
    Ok(())
}

#[test]
fn panics_go_on_where_they_leave_lua() -> Result<()> {
    let lua = Lua::new();
    let panics = lua.create_function(|_, ()| -> Result<()> { panic!("on purpose") })?;
    lua.globals().set("panics", panics)?;
    let run = || lua.load("panics()").exec();
    let payload = catch_unwind(AssertUnwindSafe(run)).expect_err("it panics");
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"on purpose"));
    // The state goes on, and Lua code may catch it.
    let (ok, text): (bool, String) = lua
        .load("local ok, e = pcall(panics) return ok, tostring(e)")
        .eval()?;
    assert_eq!((ok, text.as_str()), (false, "on purpose"));
    assert!(lua.globals().get::<Table>("string").is_ok());
    lua.check_heap().expect("a whole heap");
    Ok(())
}
