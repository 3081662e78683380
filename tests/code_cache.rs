//! Machine code takes as much room as there may be, and no more: a program of thousands of loops goes
//! on, and its hot loops are compiled, whatever became of others.

#![cfg(feature = "jit")]

mod common;

use common::state;
use perilune::Lua;

/// `make(n)`: so many functions with a loop each; `run(rounds)`: what they answer, added up.
const PROGRAM: &str = "
    local functions = {}
    function make(n)
      for i = #functions + 1, #functions + n do
        functions[i] = load('local n, s = ..., 0 for i = 1, n do s = s + i * ' .. i .. ' if s > 1e15 then s = 0 end end return s')
      end
    end
    function run(rounds)
      local sum = 0
      for i = 1, #functions do sum = sum + functions[i](rounds) end
      return sum
    end";

fn number(lua: &Lua, code: &str) -> i64 {
    lua.load(code).eval().expect(code)
}

/// A number from the compiler's report.
fn count(lua: &Lua, name: &str) -> usize {
    let report = lua.trace_statistics(false).expect("there is a compiler");
    let line = report.lines().find_map(|line| line.strip_prefix(name));
    let number = line.unwrap_or_else(|| panic!("{name} is not in\n{report}"));
    number.trim().parse().expect("a number")
}

fn prepare(modes: &[&str]) -> Lua {
    let lua = state(modes);
    lua.load(PROGRAM.as_bytes()).exec().expect("it is loaded");
    lua
}

/// What `run` answers for so many functions.
fn expected(functions: i64, rounds: i64) -> i64 {
    functions * (functions + 1) / 2 * (rounds * (rounds + 1) / 2)
}

#[test]
fn thousands_of_traces_go_through_a_small_cache() {
    let lua = prepare(&["code=64", "hot=4"]);
    lua.load(b"make(3000)").exec().expect("they are made");
    for _ in 0..3 {
        assert_eq!(number(&lua, "return run(20)"), expected(3000, 20));
    }
    let (traces, flushes) = (count(&lua, "traces"), count(&lua, "flushes"));
    assert!(traces > 6000, "{traces} traces");
    assert!(flushes > 10, "{flushes} flushes");
    // There is room for a hot loop still.
    let sum = "local s = 0 for i = 1, 1000 do s = s + i end return s";
    assert_eq!(number(&lua, sum), 500_500);
    assert!(count(&lua, "traces") > traces);
}

#[test]
fn a_cache_that_holds_nothing_is_no_reason_to_stop() {
    // The smallest that there is holds the code that all traces share, and little else.
    let lua = prepare(&["code=1", "hot=2", "exit=1"]);
    lua.load(b"make(300)").exec().expect("they are made");
    for _ in 0..3 {
        assert_eq!(number(&lua, "return run(30)"), expected(300, 30));
    }
}

#[test]
fn traces_are_charged_and_given_back() {
    let lua = prepare(&["hot=4"]);
    lua.load(b"make(500)").exec().expect("they are made");
    lua.gc_collect().expect("a collection");
    let before = lua.used_memory();
    assert_eq!(number(&lua, "return run(20)"), expected(500, 20));
    let code = count(&lua, "code bytes");
    let used = lua.used_memory();
    assert!(
        used > before + code,
        "{used} bytes, {code} of them code, after {before}"
    );
    // The program's own count is of what it made itself.
    let counted = "collectgarbage() local before = collectgarbage('count')
        run(30) collectgarbage() return math.floor(collectgarbage('count') - before)";
    assert!(number(&lua, counted) < 16);
    lua.check_heap().expect("a whole heap");
}

#[test]
fn a_memory_limit_makes_traces_go_before_the_program_fails() {
    let lua = prepare(&["hot=4"]);
    lua.load(b"make(2000)").exec().expect("they are made");
    lua.gc_collect().expect("a collection");
    // Traces of all functions would take several times this.
    lua.set_memory_limit(lua.used_memory() + (1 << 20))
        .expect("a limit");
    for _ in 0..3 {
        assert_eq!(number(&lua, "return run(20)"), expected(2000, 20));
    }
    assert!(count(&lua, "traces") > 500);
    assert!(count(&lua, "flushes") > 0);
    lua.check_heap().expect("a whole heap");
}
