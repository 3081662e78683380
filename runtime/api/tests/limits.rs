//! Library functions end when they are told to: by an interrupt, or by the memory limit.

use perilune_api::{Lua, LuaString};
use std::time::{Duration, Instant};

fn state() -> Lua {
    let lua = Lua::without_libraries().expect("a state");
    lua.with_call(perilune_stdlib::open_all).expect("libraries");
    lua
}

/// Each would run for (much) longer than a minute, or for ever. Some `string.rep` calls end at once,
/// but not in a careless implementation.
const ENDLESS: &[&str] = &[
    "string.rep('a', 30):match(string.rep('a?', 30) .. string.rep('a', 31) .. '$x')",
    "string.rep('a', 2000):find('.-.-.-.-.-.-b$x')",
    "string.rep('a', 2000):gsub('(.-)(.-)(.-)(.-)%4b$x', '')",
    "for _ in string.rep('a', 4000):gmatch('a*a*a*a*a*b?$x') do end",
    "string.rep('(', 100000):find('%b()%b()', 1)",
    "string.rep('', math.maxinteger)",
    "string.rep('', math.maxinteger, '')",
    "while true do string.rep('', math.maxinteger) end",
    "table.move(setmetatable({}, {__index = function() end}), 1, math.maxinteger - 1, 2)",
    "table.move({}, 1, math.maxinteger - 1, 2)",
    "table.move({}, math.mininteger + 2, 0, 1, setmetatable({}, {__newindex = function() end}))",
    "while true do table.unpack({}, 1, 900000) end",
    "table.unpack(setmetatable({}, {__index = function() while true do end end}), 1, 10)",
    "table.concat(setmetatable({}, {__index = function() return '' end}), '', 1, math.maxinteger)",
    "table.sort(setmetatable({}, {__len = function() return 2^31 - 2 end,
       __index = function() return 1 end, __newindex = function() end}))",
    "table.sort({3, 2, 1}, function() while true do end end)",
    "table.insert(setmetatable({}, {__len = function() return math.maxinteger - 1 end}), 1, 0)",
    "table.remove(setmetatable({}, {__len = function() return math.maxinteger - 1 end}), 1)",
    "for _ in ipairs(setmetatable({}, {__index = function() return 1 end})) do end",
    // Readers.
    "load(function() return ' ' end)",
    "load(function() return '--' end)",
    "load(function() return ' -- a comment\\n' end)",
    "load(function() return 'x = 1 ' end)",
    "load(function() return '[[' end)",
    "load(function() while true do end end)",
    "assert(load(coroutine.wrap(function() while true do coroutine.yield(';') end end)))",
    // Lua code, wherever it runs.
    "while true do ('x'):rep(10) end",
    "while true do end",
    "repeat until false",
    "::again:: goto again",
    "for i = 1, math.huge do end",
    "for i = 1, math.maxinteger do end",
    "for _ in function() return 1 end do end",
    "local function f() return f() end f()",
    "local t = setmetatable({}, {}) getmetatable(t).__index = function(_, k) return k end
       while true do local _ = t.x end",
    "while true do pcall(error) end",
    "while true do pcall(string.rep) end",
    "while true do coroutine.wrap(function() coroutine.yield() end)() end",
    "coroutine.wrap(function() while true do end end)()",
    "local co = coroutine.wrap(function() while true do coroutine.yield() end end)
       while true do co() end",
    "local x <close> = setmetatable({}, {__close = function() while true do end end})",
    "xpcall(error, function() while true do end end)",
    "package.preload.endless = function() while true do end end require 'endless'",
    "debug.sethook(function() while true do end end, '', 10) for i = 1, 100 do end",
    "setmetatable({}, {__gc = function() while true do end end}) collectgarbage()",
    "('x'):gsub('x', function() while true do end end)",
    "tostring(setmetatable({}, {__tostring = function() while true do end end}))",
    "local t = {} for i = 1, 100 do t[i] = i end while true do for k, v in pairs(t) do end end",
];

#[test]
fn endless_functions_are_interrupted() {
    for program in ENDLESS {
        let lua = state();
        let handle = lua.interrupt_handle();
        let stopped = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let stop = std::sync::Arc::clone(&stopped);
        let waker = std::thread::spawn(move || {
            // Again and again: `pcall` may catch an interruption, and a message handler that is
            // interrupted is called again for that error, as deep as the C stack allows.
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(5));
                handle.interrupt();
            }
        });
        let begin = Instant::now();
        let outcome = lua.load(program.as_bytes()).exec();
        stopped.store(true, std::sync::atomic::Ordering::Relaxed);
        waker.join().expect("no panic");
        assert!(begin.elapsed() < Duration::from_secs(10), "{program}");
        if let Err(error) = outcome {
            assert!(
                error.to_string().contains("interrupted!"),
                "{program}: {error}"
            );
        }
    }
}

/// Each would take much more than the limit.
const LARGE: &[&str] = &[
    "return pcall(string.rep, 'x', 1 << 30)",
    "return pcall(string.pack, 'c1000000000', 'x')",
    "local s = string.rep('x', 1 << 16) return pcall(string.gsub, s, '.', s)",
    "local s = string.rep('x', 1 << 20) local t = {} for i = 1, 1000 do t[i] = s end
     return pcall(table.concat, t)",
    "local s = string.rep('x', 1 << 20)
     return pcall(string.format, string.rep('%s', 200), table.unpack({s, s, s, s, s, s, s, s, s,
       s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s}))",
];

#[test]
fn large_results_are_memory_errors() {
    for program in LARGE {
        let lua = state();
        lua.set_memory_limit(16 << 20).expect("a limit");
        let (done, message): (bool, LuaString) = lua.load(*program).eval().expect(program);
        assert!(!done, "{program}");
        assert_eq!(message.to_string_lossy(), "not enough memory", "{program}");
    }
}
