//! Interruptions and deadlines.

use crate::common::state;
use crate::limit::MODES;
use crate::shared::{Cell, Rc};
use perilune::{Error, Limit, Lua, Result, VmState};
use std::time::{Duration, Instant};

#[test]
fn an_interrupt_function_is_called_for_each_call_from_rust() -> Result<()> {
    let lua = Lua::new();
    let count = Rc::new(Cell::new(0));
    let counter = count.clone();
    lua.set_interrupt(move |_| {
        counter.set(counter.get() + 1);
        Ok(VmState::Continue)
    });
    let f = lua
        .load("local x = 2 + 3 local z = string.len(x .. ', ')")
        .into_function()?;
    f.call::<()>(())?;
    f.call::<()>(())?;
    assert!(count.get() >= 2);
    lua.remove_interrupt();
    let before = count.get();
    f.call::<()>(())?;
    assert_eq!(count.get(), before);
    Ok(())
}

#[test]
fn an_interrupt_function_is_called_now_and_then_while_code_runs() -> Result<()> {
    for modes in MODES {
        let lua = state(modes);
        let count = Rc::new(Cell::new(0));
        let counter = count.clone();
        lua.set_interrupt(move |lua| {
            counter.set(counter.get() + 1);
            if counter.get() == 5 {
                lua.globals().set("stop", true)?;
            }
            Ok(VmState::Continue)
        });
        lua.load("stop = false local n = 0 while not stop do n = n + 1 end")
            .exec()?;
        assert!(count.get() >= 5, "{modes:?}");
    }
    Ok(())
}

#[test]
fn its_error_is_raised_in_the_running_code() -> Result<()> {
    for modes in MODES {
        let lua = state(modes);
        lua.set_interrupt(|_| Err(Error::runtime("interrupted by Rust")));
        let error = lua.load("while true do end").exec().expect_err("an error");
        assert!(matches!(error, Error::RuntimeError(text) if text == "interrupted by Rust"));
        // It can be caught, unless that is forbidden.
        let text = "for i = 1, 3 do pcall(function() while true do end end) end return true";
        let mut caught = false;
        for _ in 0..50 {
            caught |= lua.load(text).eval::<bool>().is_ok();
        }
        let _ = caught;
        lua.set_limit_catchable(Limit::Interrupt, false);
        let error = lua
            .load("while true do pcall(function() while true do end end) end")
            .exec();
        assert!(
            matches!(error, Err(Error::LimitReached(Limit::Interrupt))),
            "{modes:?}"
        );
    }
    Ok(())
}

#[test]
fn a_coroutine_may_be_paused_anywhere() -> Result<()> {
    for modes in MODES {
        let lua = state(modes);
        lua.set_interrupt(|_| Ok(VmState::Yield));
        let text = "local s, t = 0, {}
            for i = 1, 200 do
              local function f(x) return x + 1 end
              s = s + f(i) + #('x'):rep(i % 5) + select('#', f(i), f(i))
              t[i % 10 + 1] = {s}
              s = s - t[i % 10 + 1][1] + s
            end
            return s";
        let expected = state(&["off"]).load(text).eval::<i64>()?;
        let thread = lua.create_thread(lua.load(text).into_function()?)?;
        let mut rounds = 0;
        let sum = loop {
            let result = thread.resume::<Option<i64>>("dropped")?;
            if thread.is_finished() {
                break result;
            }
            rounds += 1;
            lua.gc_collect().expect("a collection");
        };
        assert_eq!(sum, Some(expected), "{modes:?}");
        assert!(rounds > 0, "{modes:?}");
        lua.check_heap().expect("a sound heap");
    }
    Ok(())
}

#[test]
fn pausing_does_not_change_the_fuel() -> Result<()> {
    let text = "local s = 0 for i = 1, 200 do s = s + math.max(i, 3) end return s";
    let mut left = Vec::new();
    for pauses in [false, true] {
        for modes in MODES {
            let lua = state(modes);
            let thread = lua.create_thread(lua.load(text).into_function()?)?;
            if pauses {
                lua.set_interrupt(|_| Ok(VmState::Yield));
            }
            lua.set_fuel(Some(1 << 30));
            let mut rounds = 0;
            while thread.is_resumable() {
                thread.resume::<()>(())?;
                rounds += 1;
            }
            assert_eq!(rounds > 1, pauses, "{modes:?}");
            left.push(lua.fuel());
        }
    }
    left.dedup();
    assert_eq!(left.len(), 1, "{left:?}");
    Ok(())
}

#[test]
fn the_main_thread_goes_on_where_it_can_not_yield() -> Result<()> {
    let lua = Lua::new();
    lua.set_interrupt(|_| Ok(VmState::Yield));
    let sum: i64 = lua
        .load("local s = 0 for i = 1, 100000 do s = s + i end return s")
        .eval()?;
    assert_eq!(sum, 5_000_050_000);
    Ok(())
}

#[test]
fn an_interrupt_function_may_call_lua_but_not_from_within_a_library_function() -> Result<()> {
    let lua = Lua::new();
    lua.load("function note() noted = noted + 1 end noted = 0")
        .exec()?;
    lua.set_interrupt(|lua| {
        let note: perilune::Function = lua.globals().get("note")?;
        match note.call::<()>(()) {
            Ok(()) => Ok(VmState::Continue),
            Err(error) => {
                lua.globals().set("refusal", error.to_string())?;
                lua.gc_collect().expect("a collection");
                Err(Error::runtime("enough"))
            }
        }
    });
    lua.load("while noted == 0 do end").exec()?;
    let error = lua
        .load("string.rep('a', 30):match(string.rep('a?', 30) .. string.rep('a', 31) .. '$x')")
        .exec()
        .expect_err("an error");
    assert!(error.to_string().contains("enough"), "{error}");
    let refusal: String = lua.globals().get("refusal")?;
    assert!(
        refusal.contains("Lua can't be called from here"),
        "{refusal}"
    );
    lua.check_heap().expect("a sound heap");
    Ok(())
}

#[test]
fn a_panic_in_an_interrupt_function_goes_on_outside() {
    let outcome = std::panic::catch_unwind(|| {
        let lua = Lua::new();
        lua.set_interrupt(|_| panic!("in the function"));
        lua.load("while true do end").exec()
    });
    let payload = outcome.expect_err("a panic");
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"in the function"));
}

#[test]
fn a_deadline_ends_everything_until_it_is_taken_back() -> Result<()> {
    for modes in MODES {
        let lua = state(modes);
        lua.set_deadline(Some(Instant::now() + Duration::from_millis(15)))?;
        for text in [
            "while true do pcall(function() while true do end end) end",
            "while true do end",
            "string.rep('a', 30):match(string.rep('a?', 30) .. string.rep('a', 31) .. '$x')",
        ] {
            let error = lua.load(text).exec();
            assert!(
                matches!(error, Err(Error::LimitReached(Limit::Deadline))),
                "{modes:?}: {error:?}"
            );
        }
        lua.set_deadline(None)?;
        assert_eq!(
            lua.load("local s = 0 for i = 1, 10 do s = s + i end return s")
                .eval::<i64>()?,
            55
        );
    }
    Ok(())
}
