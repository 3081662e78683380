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

#[test]
fn interrupts_from_another_thread_stop_compiled_loops() {
    for modes in MODES {
        for program in [
            "while true do end",
            "local i = 0 while true do i = i + 1 end",
            "for i = 1, math.huge do local x = i end",
            "while true do local s = ('x'):rep(100) end",
            "local t = {3, 1, 2} while true do table.sort(t) end",
            "local t = {} while true do for i = 1, 100 do t[i] = i end end",
            "local function f(n) return n + 1 end local n = 0 while true do n = f(n) end",
        ] {
            let lua = state(modes);
            let handle = lua.interrupt_handle();
            let waker = std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(60));
                handle.interrupt();
            });
            let error = lua.load(program.as_bytes()).exec().expect_err(program);
            waker.join().expect("no panic");
            assert!(
                error.to_string().contains("interrupted!"),
                "{program}: {error}"
            );
        }
    }
}

#[test]
fn count_hooks_stop_compiled_loops() {
    for modes in MODES {
        let lua = state(modes);
        lua.load(
            b"local n = 0
              for i = 1, 1000 do n = n + i end
              debug.sethook(function() error('enough') end, '', 1000)
              local ok, message = pcall(function() while true do n = n + 1 end end)
              debug.sethook()
              assert(not ok and message:find('enough'), message)",
        )
        .exec()
        .expect("the hook runs");
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
            other.globals().raw_get_field(b"x"),
            Ok(Value::Integer(500_500))
        ));
    }
}
