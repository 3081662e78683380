//! Hooks from Rust.

use crate::common::state;
use crate::limit::MODES;
use crate::shared::{Cell, Rc, RefCell};
use perilune::debug::DebugEvent;
use perilune::{Error, HookTriggers, Lua, Result, VmState};

const THREE_LINES: &str = "
    local x = 2 + 3
    local y = x * 63
    local z = string.len(x .. ', ' .. y)
";

#[test]
fn triggers_are_joined() {
    let triggers = HookTriggers::new().on_calls().on_returns()
        | HookTriggers::new().every_line().every_nth_instruction(5);
    assert!(triggers.on_calls && triggers.on_returns && triggers.every_line);
    assert_eq!(triggers.every_nth_instruction, Some(5));
}

#[test]
fn lines_are_told() -> Result<()> {
    let lua = Lua::new();
    let lines = Rc::new(RefCell::new(Vec::new()));
    let told = lines.clone();
    lua.set_hook(HookTriggers::EVERY_LINE, move |_, debug| {
        assert_eq!(debug.event(), DebugEvent::Line);
        told.borrow_mut().push(debug.current_line());
        Ok(VmState::Continue)
    })?;
    lua.load(THREE_LINES).exec()?;
    lua.remove_hook();
    lua.load(THREE_LINES).exec()?;
    assert_eq!(*lines.borrow(), [Some(2), Some(3), Some(4)]);
    Ok(())
}

#[test]
fn calls_and_returns_are_told_with_names() -> Result<()> {
    let lua = Lua::new();
    let told = Rc::new(RefCell::new(Vec::new()));
    let tell = told.clone();
    let triggers = HookTriggers::ON_CALLS | HookTriggers::ON_RETURNS;
    lua.set_hook(triggers, move |_, debug| {
        let names = debug.names();
        let name = names.name.map(|name| name.into_owned());
        tell.borrow_mut()
            .push((debug.event(), name, names.name_what, debug.source().what));
        Ok(VmState::Continue)
    })?;
    lua.load("local v = string.len('Hello World')").exec()?;
    lua.remove_hook();
    let len = Some("len".to_owned());
    let what = Some("method");
    let told: Vec<_> = told.take();
    let events: Vec<_> = told
        .iter()
        .map(|event| (event.0, &event.1, event.3))
        .collect();
    assert_eq!(
        events,
        [
            (DebugEvent::Call, &None, "main"),
            (DebugEvent::Call, &len, "C"),
            (DebugEvent::Ret, &len, "C"),
            (DebugEvent::Ret, &None, "main"),
        ]
    );
    assert_ne!(told[1].2, None);
    assert!(told[1].2 == what || told[1].2 == Some("field"));
    Ok(())
}

#[test]
fn what_is_known_of_an_active_function_can_be_asked_for() -> Result<()> {
    let lua = Lua::new();
    let look = lua.create_function(|lua, level: usize| {
        Ok(lua.inspect_stack(level, |debug| {
            let (source, stack) = (debug.source(), debug.stack());
            let name = debug.names().name.map(|name| name.into_owned());
            let lines = (
                source.line_defined,
                debug.current_line(),
                source.last_line_defined,
            );
            assert_eq!(
                source.short_src.as_deref(),
                Some(if level == 0 { "[C]" } else { "file.lua" })
            );
            assert!(!debug.is_tail_call());
            let about = (stack.num_params, stack.num_upvalues, stack.is_vararg);
            format!("{name:?} {lines:?} {about:?}")
        }))
    })?;
    lua.globals().set("look", look)?;
    let text = "local up\nlocal function f(a, b)\n  up = look(1)\n  return up\nend\nlocal r = f()\nreturn r, look(9), look(0)";
    let (one, nine, zero): (String, Option<String>, String) =
        lua.load(text).set_name("@file.lua").eval()?;
    assert_eq!(one, "Some(\"f\") (Some(2), Some(3), Some(5)) (2, 2, false)");
    assert_eq!(nine, None);
    assert_eq!(zero, "Some(\"look\") (None, None, None) (0, 0, true)");
    let trace = lua.create_function(|lua, ()| lua.traceback(Some("here"), 1))?;
    lua.globals().set("trace", trace)?;
    let text: String = lua
        .load("\nreturn (trace())")
        .set_name("@file.lua")
        .eval()?;
    assert!(
        text.starts_with("here\nstack traceback:\n\tfile.lua:2: in main chunk"),
        "{text}"
    );
    Ok(())
}

#[test]
fn an_error_in_a_hook_is_raised_as_it_is() -> Result<()> {
    let lua = Lua::new();
    lua.set_hook(HookTriggers::EVERY_LINE, |_, _| {
        Err(Error::runtime("in the hook"))
    })?;
    let error = lua.load("x = 1").exec().expect_err("an error");
    assert!(matches!(error, Error::RuntimeError(text) if text == "in the hook"));
    lua.remove_hook();
    lua.load("x = 1").exec()
}

#[test]
fn count_hooks_stop_compiled_loops() -> Result<()> {
    for modes in MODES {
        let lua = state(modes);
        lua.globals().set("x", 0)?;
        let loops = lua
            .load("for i = 1, 10000 do x = x + 1 end")
            .into_function()?;
        // Hot by now, where that is a matter of rounds.
        loops.call::<()>(())?;
        let left = Cell::new(10_000);
        lua.set_hook(
            HookTriggers::new().every_nth_instruction(30),
            move |_, debug| {
                assert_eq!(debug.event(), DebugEvent::Count);
                left.set(left.get() - 30);
                if left.get() <= 0 {
                    return Err(Error::runtime("time's up"));
                }
                Ok(VmState::Continue)
            },
        )?;
        assert!(loops.call::<()>(()).is_err(), "{modes:?}");
        let x: i64 = lua.globals().get("x")?;
        assert!((11_000..14_000).contains(&x), "{modes:?}: {x}");
        lua.remove_hook();
        loops.call::<()>(())?;
    }
    Ok(())
}

#[test]
fn a_hook_may_set_another_one() -> Result<()> {
    let lua = Lua::new();
    lua.set_hook(HookTriggers::EVERY_LINE, |lua, _| {
        lua.globals().set("ok", 1)?;
        lua.set_hook(HookTriggers::EVERY_LINE, |lua, _| {
            lua.load("if ok ~= nil then ok = ok + 1 end").exec()?;
            lua.remove_hook();
            Ok(VmState::Continue)
        })?;
        Ok(VmState::Continue)
    })?;
    lua.load("local x = 1\nx = 2\nlocal y = 3").exec()?;
    assert_eq!(lua.globals().get::<i64>("ok")?, 2);
    Ok(())
}

#[test]
fn a_hook_is_one_threads() -> Result<()> {
    let lua = Lua::new();
    let thread = lua.create_thread(lua.load(THREE_LINES).into_function()?)?;
    let lines = Rc::new(RefCell::new(Vec::new()));
    let told = lines.clone();
    thread.set_hook(HookTriggers::EVERY_LINE, move |_, debug| {
        told.borrow_mut().push(debug.current_line());
        Ok(VmState::Continue)
    })?;
    lua.load(THREE_LINES).exec()?;
    assert!(lines.borrow().is_empty());
    thread.resume::<()>(())?;
    assert_eq!(*lines.borrow(), [Some(2), Some(3), Some(4)]);
    Ok(())
}

#[test]
fn a_global_hook_is_that_of_new_threads_until_it_is_removed() -> Result<()> {
    let lua = Lua::new();
    let count = Rc::new(Cell::new(0));
    let counter = count.clone();
    lua.set_global_hook(HookTriggers::EVERY_LINE, move |_, debug| {
        assert_eq!(debug.event(), DebugEvent::Line);
        counter.set(counter.get() + 1);
        Ok(VmState::Continue)
    })?;
    let text =
        "\nlocal x = 2 + 3\nlocal y = x * 63\ncoroutine.yield()\nlocal z = string.len(x .. y)";
    let thread = lua.create_thread(lua.load(text).into_function()?)?;
    thread.resume::<()>(())?;
    assert_eq!(count.get(), 3);
    lua.remove_global_hook();
    thread.resume::<()>(())?;
    assert!(thread.is_finished());
    lua.load(THREE_LINES).exec()?;
    assert_eq!(count.get(), 3);
    Ok(())
}

#[test]
fn a_hook_may_have_its_thread_yield() -> Result<()> {
    for modes in MODES {
        let lua = state(modes);
        let thread = lua.create_thread(lua.load(THREE_LINES).into_function()?)?;
        thread.set_hook(HookTriggers::EVERY_LINE, |_, _| Ok(VmState::Yield))?;
        for _ in 0..3 {
            thread.resume::<()>(())?;
            assert!(thread.is_resumable(), "{modes:?}");
        }
        thread.resume::<()>(())?;
        assert!(thread.is_finished(), "{modes:?}");
        // After each instruction; where the thread may not yield it goes on.
        let text = "local t = {3, 1, 2} table.sort(t, function(a, b) return a < b end)
                    local s = 0 for _, v in ipairs(t) do s = s * 10 + v end return s, select('#', table.unpack(t))";
        let thread = lua.create_thread(lua.load(text).into_function()?)?;
        let every = HookTriggers::new().every_nth_instruction(1);
        thread.set_hook(every, |_, _| Ok(VmState::Yield))?;
        let mut rounds = 0;
        let results = loop {
            let results = thread.resume::<(Option<i64>, Option<i64>)>(())?;
            lua.gc_collect().expect("a collection");
            if thread.is_finished() {
                break results;
            }
            rounds += 1;
        };
        assert_eq!(results, (Some(123), Some(3)), "{modes:?}");
        assert!(rounds > 30, "{modes:?}: {rounds}");
        lua.check_heap().expect("a sound heap");
    }
    Ok(())
}
