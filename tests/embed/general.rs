//! What has no place of its own: limits of calls, coercions, protected calls, several states and threads.

use perilune::{Error, Function, Lua, LuaOptions, MultiValue, Options, Result, Value, Variadic};
use std::panic::{AssertUnwindSafe, catch_unwind};

#[test]
fn too_many_values_are_errors() -> Result<()> {
    let lua = Lua::new();
    let many = || Variadic::from_iter(0..1_000_000);
    let count: Function = lua
        .load("function(...) return select('#', ...) end")
        .eval()?;
    let give = lua.create_function(move |_, ()| Ok(many()))?;
    for _ in 0..3 {
        for outcome in [
            count.call::<MultiValue>(many()),
            give.call::<MultiValue>(()),
            count.bind(many()).and_then(|bound| bound.call(())),
        ] {
            let Err(error) = outcome else {
                panic!("so many values are passed");
            };
            let error = error.to_string();
            assert!(error.contains("stack overflow"), "{error}");
        }
    }
    // A large number of them is none.
    let fewer = Variadic::from_iter(1..=400_000);
    assert_eq!(count.call::<i64>(fewer.clone())?, 400_000);
    let sum = lua.create_function(|_, values: Variadic<i64>| Ok(values.iter().sum::<i64>()))?;
    lua.globals().set("sum", sum)?;
    let pass: Function = lua.load("function(...) return sum(...) end").eval()?;
    assert_eq!(pass.call::<i64>(fewer)?, 400_000 * 400_001 / 2);
    lua.check_heap().expect("a whole heap");
    Ok(())
}

#[test]
fn recursion_through_rust_ends_with_an_error() -> Result<()> {
    let lua = Lua::new();
    let again =
        lua.create_function(|lua, ()| lua.globals().get::<Function>("f")?.call::<()>(()))?;
    lua.globals().set("f", &again)?;
    for _ in 0..2 {
        let error = again.call::<()>(()).expect_err("no end").to_string();
        assert!(error.contains("C stack overflow"), "{error}");
    }
    let index =
        lua.create_function(|_, (table, key): (perilune::Table, Value)| table.get::<Value>(key))?;
    lua.globals().set("index", index)?;
    let error = lua
        .load("return setmetatable({}, {__index = index}).x")
        .exec()
        .expect_err("no end");
    assert!(error.to_string().contains("C stack overflow"), "{error}");
    assert_eq!(lua.load("1 + 1").eval::<i64>()?, 2);
    Ok(())
}

#[test]
fn many_handles_may_be_held() -> Result<()> {
    let lua = Lua::new();
    let tables: Vec<_> = (0..200_000)
        .map(|n| lua.create_sequence_from([n]))
        .collect::<Result<_>>()?;
    lua.gc_collect()?;
    assert!(tables.iter().zip(0..).all(|(table, n)| *table == [n]));
    Ok(())
}

#[test]
fn values_are_coerced_as_in_lua() -> Result<()> {
    let lua = Lua::new();
    let string = |text: &str| lua.create_string(text).map(Value::String);
    assert_eq!(lua.coerce_integer(string("1.0")?)?, Some(1));
    assert_eq!(lua.coerce_integer(string("1.5")?)?, None);
    assert_eq!(lua.coerce_integer(Value::Number(3.0))?, Some(3));
    assert_eq!(lua.coerce_number(string(" 0x1p4 ")?)?, Some(16.0));
    assert_eq!(lua.coerce_number(string("x")?)?, None);
    let text = |value| Ok::<_, Error>(lua.coerce_string(value)?.map(|s| s.to_string_lossy()));
    assert_eq!(text(Value::Number(1.0))?.as_deref(), Some("1.0"));
    assert_eq!(text(Value::Integer(-5))?.as_deref(), Some("-5"));
    assert_eq!(text(Value::Boolean(true))?, None);
    assert_eq!(lua.load("1.5").eval::<i64>()?, 1);
    assert_eq!(lua.load("1.0").eval::<String>()?, "1.0");
    assert!(lua.load("-1").eval::<u64>().is_err());
    assert!(lua.load("-0.0").eval::<f64>()?.is_sign_negative());
    Ok(())
}

#[test]
fn panics_caught_by_lua_code_go_on_only_once() -> Result<()> {
    let lua = Lua::new();
    let panics = lua.create_function(|_, ()| -> Result<()> { panic!("on purpose") })?;
    lua.globals().set("panics", panics)?;
    lua.load("ok, e = pcall(panics)").exec()?;
    let again = || lua.load("error(e)").exec();
    assert!(catch_unwind(AssertUnwindSafe(again)).is_err());
    let error = catch_unwind(AssertUnwindSafe(again)).expect("no panic");
    assert!(
        matches!(error, Err(Error::PreviouslyResumedPanic)),
        "{error:?}"
    );
    Ok(())
}

#[test]
fn errors_of_all_kinds_leave_lua() -> Result<()> {
    let lua = Lua::new();
    let message = |code: &str| lua.load(code).exec().expect_err(code).to_string();
    assert!(message("error('text', 0)").starts_with("runtime error: text\nstack traceback"));
    assert!(message("error(7)").starts_with("runtime error: 7"));
    assert!(message("error()").contains("nil"));
    assert!(message("error({})").contains("table"));
    assert!(
        message("error(setmetatable({}, {__tostring = function() return 'own' end}))")
            .contains("own")
    );
    assert!(message("local t; t.x = 1").contains("attempt to index a nil value (local 't')"));
    assert!(message("xpcall()").contains("bad argument"));
    Ok(())
}

#[test]
fn states_are_apart_and_may_live_on_other_threads() -> Result<()> {
    let workers: Vec<_> = (0..4)
        .map(|n: i64| {
            std::thread::spawn(move || {
                let lua = Lua::new();
                lua.globals().set("n", n).expect("a global");
                lua.load("local s = 0 for i = 1, 1000 do s = s + n end return s")
                    .eval::<i64>()
                    .expect("a sum")
            })
        })
        .collect();
    let sums: Vec<i64> = workers
        .into_iter()
        .map(|worker| worker.join().expect("no panic"))
        .collect();
    assert_eq!(sums, [0, 1000, 2000, 3000]);
    Ok(())
}

/// Rust functions, closures and methods called from loops that are compiled, with values of all kinds.
#[test]
fn hot_loops_call_rust_with_values_of_all_kinds() -> Result<()> {
    let lua = Lua::new();
    let describe = lua.create_function(|_, (value, list): (Value, Option<Vec<i64>>)| {
        Ok((value.type_name(), list.map_or(0, |list| list.len())))
    })?;
    lua.globals().set("describe", describe)?;
    let code = "local counts = {}
        local values = {1, 1.5, 'x', true, {}, print, coroutine.create(print)}
        for i = 1, 7000 do
          local kind, length = describe(values[i % 7 + 1], i % 2 == 0 and {i, i} or nil)
          counts[kind] = (counts[kind] or 0) + length
        end
        return counts.integer, counts.number, counts.string, counts.table, counts.thread";
    let counts: Vec<i64> = lua
        .load(code)
        .eval::<Variadic<i64>>()?
        .iter()
        .copied()
        .collect();
    assert_eq!(counts, [1000; 5]);
    lua.check_heap().expect("a whole heap");
    Ok(())
}

#[test]
fn panics_pass_protected_calls_if_the_options_say_so() -> Result<()> {
    for modes in crate::limit::MODES {
        let options = modes.iter().fold(Options::new(), |options, mode| {
            options.with_mode(mode).expect("a mode")
        });
        let options = options.lua_options(LuaOptions::new().catch_rust_panics(false));
        let lua = Lua::with_options(&options)?;
        let panics = lua.create_function(|_, ()| -> Result<()> { panic!("on purpose") })?;
        lua.globals().set("panics", panics)?;
        let errors = "
            for i = 1, 40 do
                local ok, e = pcall(error, 'hello', 0)
                assert(not ok and e == 'hello')
                local heard
                ok, e = xpcall(error, function(m) heard = m return 'handled' end, 'hello')
                assert(not ok and e == 'handled' and heard == 'hello')
                assert(select('#', pcall(string.rep, 'x', 2)) == 2)
            end";
        lua.load(errors).exec()?;
        for text in [
            "pcall(panics)",
            "for i = 1, 40 do pcall(i < 40 and tostring or panics, i < 40 and i or nil) end",
            "pcall(function() pcall(pcall, panics) end)",
            "xpcall(panics, function() heard = true end)",
            "local c <close> = setmetatable({}, {__close = function() closed = true end}) pcall(panics)",
        ] {
            let run = || lua.load(format!("{text} went_on = true")).exec();
            let payload = catch_unwind(AssertUnwindSafe(run)).expect_err(text);
            assert_eq!(
                payload.downcast_ref::<&str>(),
                Some(&"on purpose"),
                "{text}"
            );
            for name in ["heard", "went_on"] {
                assert!(
                    lua.globals().get::<Value>(name)?.is_nil(),
                    "{modes:?}: {text}"
                );
            }
        }
        assert!(lua.globals().get::<bool>("closed")?);
        // A coroutine ends by it, and whoever resumes goes on.
        let text = "local ok, e = coroutine.resume(coroutine.create(panics)) return not ok and tostring(e)";
        assert_eq!(lua.load(text).eval::<String>()?, "on purpose");
        lua.check_heap().expect("a sound heap");
    }
    let lua = Lua::new_with(
        perilune::StdLib::ALL,
        LuaOptions::new().catch_rust_panics(false),
    )?;
    let panics = lua.create_function(|_, ()| -> Result<()> { panic!("on purpose") })?;
    let call = || lua.load("pcall(...)").call::<()>(panics);
    assert!(catch_unwind(AssertUnwindSafe(call)).is_err());
    Ok(())
}
