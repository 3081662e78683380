//! The state: who keeps it, and what becomes of handles without one.

use crate::shared::{Cell, Rc, RefCell};
use perilune::{Error, Function, Lua, LuaString, Result, Table, Value};

#[test]
fn clones_are_the_same_state_and_keep_it() -> Result<()> {
    let lua = Lua::new();
    lua.globals().set("x", 7)?;
    let other = lua.clone();
    drop(lua);
    assert_eq!(other.globals().get::<i64>("x")?, 7);
    Ok(())
}

#[test]
fn handles_without_a_state_say_so() -> Result<()> {
    let lua = Lua::new();
    let table: Table = lua.load("{1, 2, x = 'text'}").eval()?;
    let function: Function = lua.load("function() return 1 end").eval()?;
    let string: LuaString = table.get("x")?;
    let view = string.as_bytes();
    let value = Value::Table(table.clone());
    drop(lua);
    // The view keeps the state.
    assert_eq!(view, b"text");
    assert_eq!(function.call::<i64>(())?, 1);
    drop(view);
    let gone = |error: Error| assert!(error.to_string().contains("destroyed"), "{error}");
    gone(table.get::<Value>("x").expect_err("no state"));
    gone(table.set("x", 1).expect_err("no state"));
    gone(table.raw_get::<Value>("x").expect_err("no state"));
    gone(table.raw_set("x", 1).expect_err("no state"));
    gone(table.push(1).expect_err("no state"));
    gone(table.len().expect_err("no state"));
    gone(table.set_metatable(None).expect_err("no state"));
    gone(function.call::<()>(()).expect_err("no state"));
    gone(function.bind(1).expect_err("no state"));
    gone(value.to_string().expect_err("no state"));
    assert_eq!((table.raw_len(), table.is_empty()), (0, true));
    assert!(table.metatable().is_none() && table.to_pointer().is_null());
    assert!(table.pairs::<Value, Value>().next().is_none());
    assert!(function.dump(false).is_empty());
    assert_eq!(string.as_bytes(), b"");
    assert!(!format!("{table:?} {table:#?} {function:?} {value:?}").is_empty());
    // They can also be cloned and handed to another state, which refuses them.
    let other = Lua::new();
    assert!(other.globals().set("t", table.clone()).is_err());
    assert!(other.globals().set("f", &function).is_err());
    assert!(table != other.globals());
    Ok(())
}

#[test]
fn captured_handles_do_not_keep_their_state() -> Result<()> {
    let token = Rc::new(());
    let lua = Lua::new();
    let (table, captured) = (lua.create_table()?, token.clone());
    let function = lua.create_function(move |_, n: i64| {
        table.raw_push(n)?;
        Ok(table.raw_len() + Rc::strong_count(&captured))
    })?;
    lua.globals().set("f", &function)?;
    let outer = lua.create_function(move |_, n: i64| function.call::<i64>(n))?;
    lua.globals().set("g", outer)?;
    assert_eq!(lua.load("g(1) + f(2)").eval::<i64>()?, 3 + 4);
    drop(lua);
    assert_eq!(Rc::strong_count(&token), 1);
    Ok(())
}

#[test]
fn finalisers_in_rust_run_when_the_state_is_closed() -> Result<()> {
    let lua = Lua::new();
    let seen = Rc::new(Cell::new(0));
    let counter = seen.clone();
    let finaliser = lua.create_function(move |lua, object: Table| {
        let n: i64 = object.get("n")?;
        lua.globals().set("last", n)?;
        counter.set(counter.get() + lua.globals().get::<i64>("last")?);
        Ok(())
    })?;
    lua.globals().set("finaliser", finaliser)?;
    lua.load("keep = setmetatable({n = 5}, {__gc = finaliser})")
        .exec()?;
    assert_eq!(seen.get(), 0);
    drop(lua);
    assert_eq!(seen.get(), 5);
    Ok(())
}

#[test]
fn a_finaliser_may_keep_the_state_that_is_being_closed() -> Result<()> {
    let kept = Rc::new(RefCell::new(None));
    let lua = Lua::new();
    let place = kept.clone();
    let finaliser = lua.create_function(move |lua, object: Table| {
        *place.borrow_mut() = Some((lua.clone(), object));
        Ok(())
    })?;
    lua.globals().set("finaliser", finaliser)?;
    lua.load("keep = setmetatable({n = 5}, {__gc = finaliser})")
        .exec()?;
    drop(lua);
    let (lua, object) = kept.borrow_mut().take().expect("it ran");
    assert_eq!(object.get::<i64>("n")?, 5);
    assert_eq!(lua.load("1 + 1").eval::<i64>()?, 2);
    lua.check_heap().expect("a whole heap");
    drop(lua);
    assert!(object.get::<i64>("n").is_err());
    Ok(())
}

#[test]
fn warnings_are_heard_and_their_errors_raised() -> Result<()> {
    let lua = Lua::new();
    let heard = Rc::new(RefCell::new(Vec::new()));
    let log = heard.clone();
    lua.set_warning_function(move |_, message, more| {
        log.borrow_mut().push((message.to_owned(), more));
        if message == "bad" {
            return Err(Error::runtime("refused"));
        }
        Ok(())
    });
    lua.load("warn('a', 'b')").exec()?;
    lua.warning("c", true);
    let expected = [("a", true), ("b", false), ("c", true)];
    let expected = expected.map(|(text, more)| (text.to_owned(), more));
    assert_eq!(*heard.borrow(), expected);
    let error = lua.load("warn('bad')").exec().expect_err("it is refused");
    let Error::CallbackError { cause, .. } = &error else {
        panic!("{error:?}");
    };
    assert!(matches!(&**cause, Error::RuntimeError(text) if text == "refused"));
    // A finaliser's error is a warning, whatever becomes of that.
    lua.load("setmetatable({}, {__gc = function() error('bad', 0) end})")
        .exec()?;
    lua.gc_collect()?;
    assert_eq!(
        heard.borrow().last().map(|(text, _)| text.clone()),
        Some("error in __gc (bad)".to_owned())
    );
    lua.remove_warning_function();
    lua.load("warn('bad')").exec()?;
    Ok(())
}

#[test]
fn memory_has_limits() -> Result<()> {
    let lua = Lua::new();
    assert_eq!(lua.set_memory_limit(lua.used_memory() + 100_000)?, 0);
    let error = lua
        .load("x = ('x'):rep(200000)")
        .exec()
        .expect_err("too much");
    assert!(matches!(error, Error::MemoryError(_)), "{error:?}");
    assert!(lua.set_memory_limit(0)? > 100_000);
    lua.load("x = ('x'):rep(200000)").exec()?;
    Ok(())
}
