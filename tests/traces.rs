//! Compiled loops seen from outside: they stop when told to, and let panics through.

#![cfg(feature = "jit")]

mod common;

use common::state;
use perilune::Value;
use perilune_runtime::native;
use perilune_runtime::native::{Action, Call, NativeResult};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// Ways to set up the compiler: hot at once, with guards that fail, and cut short.
const MODES: [&[&str]; 4] = [
    &[],
    &["hot=1", "exit=1"],
    &["hot=1", "exit=1", "deopt=7"],
    &["hot=1", "exit=1", "maxtrace=8"],
];

/// They run for ever, in compiled code. `at` is called in each round where something is to happen in the
/// middle of them.
const ENDLESS: &[&str] = &[
    "while true do at() end",
    "while true do end",
    "local i = 0 while true do i = i + 1 at() end",
    "for i = 1, math.huge do local x = i at() end",
    "while true do local s = ('x'):rep(100) at() end",
    "local n = 1 while true do local s = ('x'):rep(n % 5000, ',') n = n + 1 at() end",
    "local t = {3, 1, 2} while true do table.sort(t) at() end",
    "local t = {3, 1, 2} while true do table.sort(t, function(a, b) return a > b end) at() end",
    "local t = {} while true do for i = 1, 100 do t[i] = i end at() end",
    "local function f(n) return n + 1 end local n = 0 while true do n = f(n) at() end",
    "local p = {x = 0} while true do p = {x = p.x + 1} at() end",
    "local function f(n) at() return f(n + 1) end f(0)",
];

#[test]
fn interrupts_from_another_thread_stop_compiled_loops() {
    for modes in MODES {
        for program in ENDLESS {
            let program = program.replace("at()", "");
            let lua = state(modes);
            let handle = lua.interrupt_handle();
            let waker = std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(60));
                handle.interrupt();
            });
            let error = lua.load(program.as_bytes()).exec().expect_err(&program);
            waker.join().expect("no panic");
            assert!(
                error.to_string().contains("interrupted!"),
                "{program}: {error}"
            );
        }
    }
}

/// A count hook ends loops: one that is there when they begin, and one that comes when they run
/// compiled, from a function that they call.
#[test]
fn count_hooks_stop_compiled_loops() {
    for modes in MODES {
        for program in ENDLESS {
            for start in [1, 3000] {
                let program = if start == 1 {
                    format!("hook() {}", program.replace("at()", ""))
                } else if program.contains("at()") {
                    (*program).to_owned()
                } else {
                    continue;
                };
                let code = format!(
                    "local rounds = 0
                     local function hook()
                       debug.sethook(function() error('enough') end, '', 1000)
                     end
                     local function at()
                       rounds = rounds + 1
                       if rounds == {start} then hook() end
                     end
                     local ok, message = pcall(function() {program} end)
                     debug.sethook()
                     assert(not ok and message:find('enough'), message)"
                );
                let lua = state(modes);
                let outcome = lua.load(code.as_bytes()).exec();
                outcome.unwrap_or_else(|error| panic!("{modes:?} {program}: {error}"));
            }
        }
    }
}

thread_local! {
    static CALLS: Cell<u32> = const { Cell::new(0) };
}

fn panics_late(call: &mut Call<'_>) -> NativeResult {
    let calls = CALLS.get() + 1;
    CALLS.set(calls);
    assert!(calls < 500, "on purpose");
    let _ = call;
    Ok(Action::Return { first: 0, count: 0 })
}

/// The unwinder walks through the traces' frames to the caller.
#[test]
fn panics_of_native_functions_pass_through_traces() {
    for modes in MODES {
        let lua = state(modes);
        lua.with_call(|call| {
            let function = call.new_function(native!("panics_late", panics_late))?;
            let globals = call.globals();
            call.table_set_str(globals, b"panics_late", function)
        })
        .expect("registered");
        CALLS.set(0);
        let run = || {
            lua.load(
                b"local n = 0 for i = 1, 1000 do n = n + i * 2 panics_late() n = n - i * 2 end",
            )
            .exec()
        };
        let panic = catch_unwind(AssertUnwindSafe(run)).expect_err("a panic");
        let message = panic.downcast_ref::<&str>().copied().unwrap_or_default();
        assert_eq!((message, CALLS.get()), ("on purpose", 500));
        // Another state on the same thread is not the worse for it.
        let other = state(modes);
        other
            .load(b"x = 0 for i = 1, 1000 do x = x + i end")
            .exec()
            .expect("it runs");
        assert!(matches!(
            other.globals().raw_get("x"),
            Ok(Value::Integer(500_500))
        ));
    }
}
