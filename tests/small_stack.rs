//! Every kind of recursion ends with an error that can be caught, on a native stack of 256 KiB; and
//! hostile scripts end at a limit of memory or when they are interrupted.

mod common;

use common::state;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const STACK_BYTES: usize = 256 << 10;
const MEMORY_LIMIT: usize = 64 << 20;

#[cfg(feature = "jit")]
const MODES: &[&[&str]] = &[
    &[],
    &["off"],
    &["hot=1", "exit=1"],
    &["hot=1", "exit=1", "deopt=3"],
    &["hot=1", "exit=1", "eval"],
    &["hot=1", "maxtrace=3"],
];
#[cfg(not(feature = "jit"))]
const MODES: &[&[&str]] = &[&[]];

/// Each recurs without end. All of them run in protected calls.
const RECURSION: &[&str] = &[
    "local function f() return 1 + f() end f()",
    "local function f() return pcall(f) end f() error('end')",
    "local function f(n) local ok, e = pcall(f, n + 1) if not ok then error(e, 0) end return e end f(1) error('end')",
    "local function f() return xpcall(f, f) end f() error('end')",
    "local t = {} for _, e in ipairs{'__index', '__newindex', '__add', '__concat', '__eq', '__lt', '__le',
       '__unm', '__len', '__call', '__bnot', '__close', '__tostring', '__pairs'} do t[e] = nil end
     t.__add = function(a, b) return a + b end local o = setmetatable({}, t) return o + o",
    "local o = setmetatable({}, {__index = function(t, k) return t[k .. 'x'] end}) return o.a",
    "local o o = setmetatable({}, {__index = function(t, k) return t[k] end}) return o.a",
    "local o o = setmetatable({}, {__newindex = function(t, k, v) t[k] = v end}) o.a = 1",
    "local o o = setmetatable({}, {__concat = function(a, b) return a .. b end}) return o .. 'x'",
    "local o = setmetatable({}, {__lt = function(a, b) return a < b end}) return o < o",
    "local o, p = {}, {} local m = {__eq = function(a, b) return a == b end}
     return setmetatable(o, m) == setmetatable(p, m)",
    "local o o = setmetatable({}, {__call = function(...) return o(...) + 1 end}) return o()",
    "local o = setmetatable({}, {__tostring = function(o) return tostring(o) .. 'x' end}) tostring(o)",
    "local o = setmetatable({}, {__tostring = function(o) return ('%s'):format(o) end}) tostring(o)",
    "local function f() table.sort({1, 2, 3}, function(a, b) f() return a < b end) end f()",
    "local function f() return (('x'):gsub('x', f)) end f()",
    "local function f() return load(f) end assert(f()) error('end')",
    "local function f() return coroutine.wrap(f)() end f()",
    "local function f() local co = coroutine.create(f) return assert(coroutine.resume(co)) end f()",
    "package.preload.a = function() package.loaded.a = nil return require 'a' end require 'a'",
    "local function f() local x <close> = setmetatable({}, {__close = f}) end f()",
    "local function f() for _ in f do end end f()",
    "local function f() for _ in pairs(setmetatable({}, {__pairs = f})) do end end f()",
    "local function f() error(setmetatable({}, {__tostring = f})) end xpcall(f, function() f() end) error('end')",
    "xpcall(error, function(m) error(m) end) error('end')",
    "local o = setmetatable({}, {}) local m = getmetatable(o) for i = 1, 1e5 do
       m = setmetatable({}, {__index = m}) end return m.x.y",
    "debug.sethook(function() debug.sethook() local function f() return 1 + f() end f() end, 'l')
     local x = 1",
    "assert(load(('('):rep(1e5)))",
    "assert(load('x = ' .. ('{'):rep(1e5)))",
    "assert(load('x = ' .. ('-'):rep(1e5) .. '1'))",
    "assert(load('x = ' .. ('a^'):rep(1e5) .. '1'))",
    "assert(load('x = ' .. ('a..'):rep(1e5) .. '1'))",
    "assert(load(('do '):rep(1e5)))",
    "assert(load(('if a then '):rep(1e5)))",
    "assert(load(('function f() '):rep(1e5)))",
    "assert(load('x = ' .. ('f('):rep(1e5)))",
    "assert(load('x = ' .. ('a['):rep(1e5)))",
    "return string.rep('(', 1e5):find(string.rep('(', 1e5))",
    "return string.rep('x', 1e5):find(string.rep('x?', 1e5) .. 'y')",
    "local t = {} for i = 1, 1e6 do t = {t} end error('end')",
];

fn on_small_stack(run: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(run)
        .expect("a thread")
        .join()
        .expect("no panic");
}

#[test]
fn recursion_ends_with_an_error_on_a_small_stack() {
    for &modes in MODES {
        on_small_stack(move || {
            for program in RECURSION {
                let lua = state(modes);
                assert!(
                    lua.load(program.as_bytes()).exec().is_err(),
                    "{modes:?}: {program}"
                );
                let again: i64 = lua.load("return 1 + 1").eval().expect("the state goes on");
                assert_eq!(again, 2, "{modes:?}: {program}");
            }
        });
    }
}

/// Each takes all memory, or all time.
const HOSTILE: &[&str] = &[
    "local t = {} while true do t[#t + 1] = {} end",
    "local s = 'x' while true do s = s .. s end",
    "local t = {} for i = 1, math.huge do t[i] = ('x'):rep(1000) .. i end",
    "local t = {} while true do t = setmetatable({t}, {__gc = function() end}) end",
    "local t = {} while true do t[coroutine.create(print)] = true end",
    "local function f(...) return f(1, ...) end f()",
    "return table.concat(setmetatable({}, {__index = function() return 'xxxxxxxx' end}), ',', 1, 1e9)",
    "return ('x'):rep(1e9):gsub('x', 'yy')",
    "local t = {} while true do t[#t + 1] = load('return ' .. #t) end",
    "local e = setmetatable({}, {__close = function() while true do end end})
     while true do local c <close> = e end",
];

#[test]
fn hostile_scripts_end_at_a_limit_or_an_interrupt() {
    for &modes in MODES {
        for program in HOSTILE {
            on_small_stack(move || {
                let lua = state(modes);
                lua.set_memory_limit(MEMORY_LIMIT).expect("a limit");
                let handle = lua.interrupt_handle();
                let stopped = Arc::new(AtomicBool::new(false));
                let stop = Arc::clone(&stopped);
                let waker = std::thread::spawn(move || {
                    let pause = Duration::from_millis(100);
                    while !stop.load(Ordering::Relaxed) {
                        std::thread::sleep(pause);
                        handle.interrupt();
                    }
                });
                let outcome = lua.load(program.as_bytes()).exec();
                stopped.store(true, Ordering::Relaxed);
                waker.join().expect("no panic");
                assert!(outcome.is_err(), "{modes:?}: {program}");
                assert!(lua.used_memory() <= MEMORY_LIMIT, "{modes:?}: {program}");
            });
        }
    }
}
