//! Traces within traces: compiled loops call functions of the embedder, which call Lua again from Rust,
//! where other loops are compiled, one to five deep. Whichever way the innermost one is left, those
//! outside of it go on, or are left, as in the interpreter.

#![cfg(feature = "jit")]

mod common;

use common::state;
use perilune::{Function, Lua, Value};
use perilune_runtime::native;
use perilune_runtime::native::{Call, Local, NativeResult};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Ways to set up the compiler.
const MODES: &[&[&str]] = &[
    &["on"],
    &["hot=1", "exit=1", "verify"],
    &["hot=3", "exit=2", "deopt=7", "verify"],
    &["hot=2", "exit=1", "maxtrace=8"],
    &["hot=1", "exit=1", "opt=0", "regs=3"],
    &["hot=1", "exit=1", "eval"],
    &["hot=1", "exit=1", "code=12"],
    &["hot=1", "exit=1", "gc=stress=5"],
];

/// `level(depth, way)`: the loop of one level. `enter` is the embedder's.
const PROGRAM: &str = "
    local garbage
    local ends = {}
    function ends.plain(i) return i end
    function ends.error(i) if i % 30 == 0 then error({i}) end return i end
    function ends.collect(i) collectgarbage() return i end
    function ends.flush(i)
      garbage = load('local n = 0 for i = 1, 9 do n = n + i end return n')
      i = i + garbage()
      garbage = nil
      collectgarbage()
      return i
    end
    function ends.change(i)
      string.format = i % 40 == 0 and tostring or string.format
      debug.setlocal(2, 3, i)
      return i
    end
    function ends.yield(i)
      local co = coroutine.wrap(function() for j = 1, 3 do coroutine.yield(j) end end)
      return co() + co() + i
    end
    function ends.close(i)
      local n = 0
      local co = coroutine.create(function()
        local guard <close> = setmetatable({}, {__close = function() n = n + 1 end})
        for j = 1, 30 do n = n + j; if j == 20 then coroutine.yield() end end
      end)
      coroutine.resume(co)
      coroutine.close(co)
      return n
    end
    function ends.panic(i) if i == 60 then panics() end return i end
    function level(depth, way)
      local sum = 0
      local carried = {n = 0}
      for i = 1, 90 do
        sum = sum + i * depth
        carried = {n = carried.n + i % 7}
        if i % 30 == 0 then
          if depth > 1 then
            local ok, result = pcall(enter, depth - 1, way)
            sum = sum + (ok and result or 5)
          else
            sum = sum + ends[way](i)
          end
        end
        sum = sum ~ i
      end
      return sum + carried.n
    end";

thread_local! {
    /// The function `level` of the state at work, and its second argument.
    static LEVEL: RefCell<Option<Function>> = const { RefCell::new(None) };
    static WAY: RefCell<Option<Value>> = const { RefCell::new(None) };
}

/// `enter(depth)`: calls `level` from Rust.
fn enter(call: &mut Call<'_>) -> NativeResult {
    let depth = call.check_integer(1)?;
    let level = LEVEL.with(|level| level.borrow().clone());
    let level = level.expect("a function");
    let way = WAY.with(|way| way.borrow().clone()).expect("a way");
    match level.call((depth, way)) {
        Ok(Value::Integer(n)) => Ok(call.return_one(Local::integer(n))),
        Ok(other) => Err(call.error(format!("level answers {other:?}"))),
        Err(error) => Err(call.error(error.to_string())),
    }
}

fn panics(_: &mut Call<'_>) -> NativeResult {
    panic!("on purpose");
}

fn prepare(modes: &[&str], way: &str) -> Lua {
    let lua = state(modes);
    lua.with_call(|call| {
        let globals = call.globals();
        for (name, function) in [
            ("enter", call.new_function(native!("enter", enter))?),
            ("panics", call.new_function(native!("panics", panics))?),
        ] {
            call.table_set_str(globals, name.as_bytes(), function)?;
        }
        Ok(())
    })
    .expect("registered");
    lua.load(PROGRAM.as_bytes()).exec().expect("it is loaded");
    let level = lua.globals().raw_get("level").expect("there is a function");
    LEVEL.with(|place| place.replace(Some(level)));
    let way = lua.create_string(way.as_bytes()).expect("memory");
    WAY.with(|place| place.replace(Some(Value::String(way))));
    lua
}

fn forget() {
    LEVEL.with(|place| place.replace(None));
    WAY.with(|place| place.replace(None));
}

/// What `level` answers: its result, or its error's message.
fn run(lua: &Lua, depth: i64) -> String {
    let level = LEVEL
        .with(|level| level.borrow().clone())
        .expect("a function");
    let way = WAY.with(|way| way.borrow().clone()).expect("a way");
    let mut answers = String::new();
    for _ in 0..3 {
        match level.call::<perilune::MultiValue>((depth, &way)) {
            Ok(results) => answers += &format!("{results:?} "),
            Err(error) => {
                let text = error.to_string();
                answers += text.lines().next().unwrap_or_default();
            }
        }
    }
    lua.gc_collect().expect("a collection");
    lua.check_heap().expect("a whole heap");
    answers
}

#[test]
fn inner_traces_may_be_left_in_every_way_at_every_depth() {
    for way in [
        "plain", "error", "collect", "flush", "change", "yield", "close",
    ] {
        for depth in 1..=5 {
            let lua = prepare(&["off"], way);
            let expected = run(&lua, depth);
            for modes in MODES {
                let lua = prepare(modes, way);
                assert_eq!(run(&lua, depth), expected, "{way}, {depth} deep, {modes:?}");
            }
        }
    }
    forget();
}

/// A panic comes to the embedder, through the frames of all traces and of all calls from Rust.
#[test]
fn panics_pass_through_nested_traces() {
    for modes in MODES {
        for depth in 1..=5 {
            let lua = prepare(modes, "panic");
            let panic = catch_unwind(AssertUnwindSafe(|| run(&lua, depth))).expect_err("a panic");
            let message = panic.downcast_ref::<&str>().copied().unwrap_or_default();
            assert_eq!(message, "on purpose", "{depth} deep, {modes:?}");
            // Another state is not the worse for it.
            let other = prepare(modes, "plain");
            assert_eq!(run(&other, depth), run(&prepare(&["off"], "plain"), depth));
        }
    }
    forget();
}
