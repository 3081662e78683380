//! The collector, from Rust: when it runs, and what runs because of it.

use crate::shared::{Cell, Rc};
use perilune::{Error, Function, Lua, Result, Table, Value};
use std::panic::{AssertUnwindSafe, catch_unwind};

#[test]
fn garbage_that_rust_makes_is_collected_without_lua_code() -> Result<()> {
    let lua = Lua::new();
    let table = lua.create_table()?;
    lua.gc_collect()?;
    let limit = lua.used_memory() + (8 << 20);
    for n in 0..20_000 {
        table.raw_set(1, format!("a string that is not interned, number {n:50}"))?;
        table.set(2, lua.create_string([b'x'; 500])?)?;
        table.set("t", lua.create_sequence_from([n, n, n])?)?;
        table.set("f", lua.create_function(move |_, ()| Ok(n))?)?;
        assert!(lua.used_memory() < limit, "{n}: {}", lua.used_memory());
    }
    // Also within a callback.
    let make = lua.create_function(|lua, n: usize| {
        for _ in 0..n {
            lua.create_string([b'y'; 1000])?;
        }
        Ok(lua.used_memory())
    })?;
    assert!(make.call::<usize>(20_000)? < limit);
    lua.check_heap().expect("a whole heap");
    Ok(())
}

/// Does something when it is dropped.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[test]
fn what_a_callback_captures_may_use_the_state_when_it_is_dropped() -> Result<()> {
    let lua = Lua::new();
    let log = lua.create_table()?;
    lua.globals().set("log", &log)?;
    let note: Function = lua
        .load("function() for i = 1, 100 do log[#log + 1] = {('x'):rep(i)} end end")
        .eval()?;
    let kept = log.clone();
    let make = move |lua: &Lua| {
        let (log, note) = (kept.clone(), note.clone());
        let on_drop = OnDrop(move || {
            note.call::<()>(()).expect("it may run");
            log.raw_push("dropped").expect("there is memory");
        });
        lua.create_function(move |_, ()| {
            let _ = &on_drop;
            Ok(())
        })
    };
    // When the collector is called for, and when it runs by itself in the middle of Lua code.
    drop(make(&lua)?);
    lua.gc_collect()?;
    assert_eq!(log.raw_len(), 101);
    lua.globals()
        .set("make", lua.create_function(move |lua, ()| make(lua))?)?;
    lua.set_gc_stress(Some(1));
    lua.load("for i = 1, 20 do local f = make(); f(); f = nil; local t = {{}} end")
        .exec()?;
    lua.set_gc_stress(None);
    lua.gc_collect()?;
    assert_eq!(log_len(&lua)?, 21 * 101);
    lua.check_heap().expect("a whole heap");
    Ok(())
}

fn log_len(lua: &Lua) -> Result<usize> {
    Ok(lua.globals().get::<Table>("log")?.raw_len())
}

#[test]
fn a_panic_of_a_destructor_is_a_warning() -> Result<()> {
    let lua = Lua::new();
    let warned = Rc::new(Cell::new(0));
    let counter = warned.clone();
    lua.set_warning_function(move |_, text, _| {
        assert!(text.contains("panic"), "{text}");
        counter.set(counter.get() + 1);
        Ok(())
    });
    let on_drop = OnDrop(|| panic!("on purpose"));
    drop(lua.create_function(move |_, ()| {
        let _ = &on_drop;
        Ok(())
    })?);
    lua.gc_collect()?;
    assert_eq!(warned.get(), 1);
    lua.check_heap().expect("a whole heap");
    Ok(())
}

#[test]
fn panics_and_errors_survive_a_lack_of_memory() -> Result<()> {
    for n in 1..40 {
        let lua = Lua::new();
        let panics = lua.create_function(|_, ()| -> Result<()> { panic!("on purpose") })?;
        let fails = lua.create_function(|_, ()| -> Result<()> { Err(Error::runtime("no")) })?;
        let run = |function: &Function| {
            lua.fail_nth_allocation(Some(n));
            let outcome = catch_unwind(AssertUnwindSafe(|| function.call::<()>(())));
            let reached = !lua.fail_nth_allocation(None);
            lua.check_heap().expect("a whole heap");
            (outcome, reached)
        };
        let (outcome, _) = run(&panics);
        let payload = outcome.expect_err("the panic goes on");
        assert_eq!(payload.downcast_ref::<&str>(), Some(&"on purpose"), "{n}");
        let (outcome, reached) = run(&fails);
        match outcome.expect("no panic") {
            Err(Error::CallbackError { .. }) => {}
            Err(Error::MemoryError(_)) => assert!(reached, "{n}"),
            other => panic!("{n}: {other:?}"),
        }
        // Once more, with the object that was held in reserve used up, or not.
        let (outcome, _) = run(&panics);
        assert!(outcome.is_err() || matches!(outcome, Ok(Err(Error::MemoryError(_)))));
    }
    Ok(())
}

/// Conversions, calls and tables, with each allocation failing in turn, and a collection at each
/// safepoint.
#[test]
fn the_interface_survives_failing_allocations() -> Result<()> {
    fn work(lua: &Lua) -> Result<String> {
        let table = lua.create_table_from([("a", 1), ("b", 2)])?;
        let list = lua.create_sequence_from(["x", "y", "z"])?;
        table.set("list", &list)?;
        table.set("long", "z".repeat(100))?;
        let concat = lua.create_function(|lua, (list, more): (Vec<String>, Option<Table>)| {
            let more = more.map_or(Ok(0), |table| table.len())?;
            let text = lua.create_string(format!("{}{more}", list.concat()))?;
            Ok((text, list, Value::Nil))
        })?;
        lua.globals().set("concat", concat.bind(&list)?)?;
        let function: Function = lua
            .load("function(t) local s, l = concat(t); return s .. #l .. t.long:len(), t end")
            .eval()?;
        let (text, table): (String, Table) = function.call(&table)?;
        let mut sum = 0;
        table.for_each(|key: String, value: Value| {
            sum += key.len() as i64 + value.as_integer().unwrap_or(0);
            Ok(())
        })?;
        Ok(format!("{text} {sum}"))
    }
    let expected = work(&Lua::new())?;
    assert_eq!(expected, "xyz03100 13");
    let mut n = 1;
    loop {
        let lua = Lua::new();
        lua.set_gc_stress(Some(1));
        lua.fail_nth_allocation(Some(n));
        let outcome = work(&lua);
        let reached = !lua.fail_nth_allocation(None);
        lua.check_heap().expect("a whole heap");
        match outcome {
            Ok(text) => assert_eq!(text, expected),
            Err(error) => {
                let text = error.to_string();
                assert!(reached && text.contains("not enough memory"), "{n}: {text}");
            }
        }
        assert_eq!(work(&lua)?, expected, "{n}");
        if !reached {
            break;
        }
        n += 1;
    }
    assert!(n > 30, "{n}");
    Ok(())
}
