//! Traces may be cut short anywhere: whatever the limit on their length, and whichever passes of the
//! optimiser run, a program does what it does in the interpreter.

#![cfg(feature = "jit")]

mod common;

use common::state;
use perilune::Lua;

/// Each answers a string, and uses much of what traces know.
const PROGRAMS: &[&str] = &[
    // Arithmetic, inner loops, branches.
    "local sum, f = 0, 0.5
     for i = 1, 60 do
       local n = i % 7
       while n > 0 do sum = sum + n * i; n = n - 1 end
       if i % 3 == 0 then f = f * 1.5 elseif i % 5 == 0 then f = f - i // 2 else f = -f end
       sum = sum ~ (i << 3) & 0xff
     end
     return sum .. ' ' .. f",
    // Calls, recursion, variable arguments, closures.
    "local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
     local function count(...) return select('#', ...) end
     local list, total = {}, 0
     for i = 1, 40 do
       list[i] = function(x) total = total + x * i; return total end
       total = total + count(i, nil, list) + list[(i + 1) // 2](i)
     end
     return fib(12) .. ' ' .. total",
    // Tables, metatables, methods, objects that are not made.
    "local Point = {}
     Point.__index = Point
     Point.__add = function(a, b) return setmetatable({x = a.x + b.x, y = a.y + b.y}, Point) end
     function Point:size() return self.x * self.x + self.y * self.y end
     local p, kept = setmetatable({x = 0, y = 0}, Point), {}
     for i = 1, 50 do
       p = p + setmetatable({x = i, y = i % 4 + 0.5}, Point)
       local pair = {i, p:size()}
       if i % 9 == 0 then kept[#kept + 1] = pair end
     end
     local out = {}
     for _, pair in ipairs(kept) do out[#out + 1] = pair[1] .. ':' .. pair[2] end
     return table.concat(out, ' ')",
    // Strings, iterators, errors, coroutines.
    "local parts, caught = {}, 0
     local gen = coroutine.wrap(function() for i = 1, 100 do coroutine.yield(i) end end)
     for i = 1, 40 do
       local s = 'n' .. i
       parts[#parts + 1] = s:sub(1, 2) .. #s
       local ok, e = pcall(function() if i % 4 == 0 then error({i}) end return gen() end)
       if not ok then caught = caught + e[1] else caught = caught + e * 100 end
     end
     for k, v in pairs({a = 1, b = 2, 3}) do caught = caught + v end
     return table.concat(parts) .. caught",
];

/// Sets of passes: all, none, and each one off.
const PASSES: &[&str] = &[
    "opt=1", "opt=0", "-fold", "-cse", "-guards", "-memory", "-peel", "-alias", "-bounds", "-sink",
    "-dce",
];

fn run(lua: &Lua, program: &str) -> String {
    lua.load(program).eval().expect(program)
}

fn check(limits: impl Iterator<Item = u32>) {
    let expected: Vec<String> = PROGRAMS.iter().map(|p| run(&state(&["off"]), p)).collect();
    for limit in limits {
        for passes in PASSES {
            let limit = format!("maxtrace={limit}");
            let modes = ["hot=2", "exit=1", "verify", &limit, passes];
            for (program, expected) in PROGRAMS.iter().zip(&expected) {
                let lua = state(&modes);
                assert_eq!(&run(&lua, program), expected, "{limit} {passes}");
                let statistics = lua.trace_statistics(false).expect("there is a compiler");
                assert!(
                    !statistics.starts_with("traces        0\n"),
                    "{limit} {passes}"
                );
            }
        }
    }
}

#[test]
fn short_traces_mean_the_same_whichever_passes_run() {
    check(1..=64);
}

#[test]
fn long_traces_mean_the_same_whichever_passes_run() {
    check([65, 100, 127, 128, 200, 1000, 1 << 20].into_iter());
}
