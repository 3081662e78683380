//! Limits: the same program stops at the same place whatever compiles it, and nothing that it does keeps
//! it from being stopped.

use crate::common::state;
use perilune::{Error, Limit, Lua, LuaOptions, StdLib};
use std::time::{Duration, Instant};

/// The modes in which limits are tested.
pub(crate) const MODES: &[&[&str]] = &[
    &["off"],
    &["on"],
    &["gc=stress=7"],
    &["hot=1", "exit=1", "verify"],
    &["hot=1", "exit=1", "gc=stress=3", "verify"],
    &["hot=1", "exit=1", "maxtrace=1", "verify"],
    &["hot=1", "exit=2", "maxtrace=8", "verify"],
    &["hot=1", "exit=1", "maxtrace=64", "verify"],
    &["hot=2", "exit=1", "maxtrace=200", "verify"],
    &["hot=2", "exit=1", "regs=3", "verify"],
    &["hot=1", "exit=1", "opt=0", "verify"],
    &["hot=1", "exit=1", "-fold", "verify"],
    &["hot=1", "exit=1", "-cse", "verify"],
    &["hot=1", "exit=1", "-guards", "verify"],
    &["hot=1", "exit=1", "-memory", "verify"],
    &["hot=1", "exit=1", "-peel", "verify"],
    &["hot=1", "exit=1", "-alias", "verify"],
    &["hot=1", "exit=1", "-bounds", "verify"],
    &["hot=1", "exit=1", "-sink", "verify"],
    &["hot=1", "exit=1", "-dce", "verify"],
    &["hot=1", "exit=1", "code=16", "verify"],
    &["eval", "hot=1", "exit=1", "verify"],
    &["hot=1", "exit=1", "deopt=7", "verify"],
];

/// Programs that say how far they got in `at`, and end by themselves.
const FINITE: &[&str] = &[
    "for i = 1, 300 do at = i end",
    "local t = {} for i = 1, 200 do t[i] = i; at = #t end for i = 1, #t do at = at + t[i] end",
    "local function fib(n) at = n if n < 2 then return n end return fib(n - 1) + fib(n - 2) end fib(12)",
    "local V = {} V.__index = V V.__add = function(a, b) return setmetatable({x = a.x + b.x}, V) end
     local v = setmetatable({x = 0}, V) local one = setmetatable({x = 1}, V)
     for i = 1, 200 do v = v + one; at = v.x end",
    "for i = 1, 60 do for j = 1, i % 7 do local p = {x = i, y = j} at = p.x + p.y end end",
    "local co = coroutine.wrap(function() for i = 1, 100 do coroutine.yield(i) end end)
     for i = 1, 100 do at = co() end",
    "local s = '' for i = 1, 100 do s = s .. i; at = #s end at = #s:rep(1000)",
    "at = 0 for k, v in pairs({1, 2, 3, a = 1, b = 2}) do at = at + v end
     for i = 1, 50 do for _, v in ipairs({1, 2, 3}) do at = at + v end end",
    "local t = {} for i = 1, 100 do t[i] = (i * 37) % 101 end
     table.sort(t, function(a, b) at = a return a < b end)",
    "for i = 1, 100 do local ok, e = pcall(function() if i % 3 == 0 then error('x') end at = i end) end",
    "local function f(n, ...) at = n if n == 0 then return select('#', ...) end return f(n - 1, n, ...) end
     at = f(50)",
    "local i = 0 while true do i = i + 1 at = i if i > 150 then break end end
     repeat i = i - 1 at = i until i < 10 ::a:: i = i + 1 at = i if i < 100 then goto a end",
    "at = ('hello world'):rep(50):gsub('o', function(c) at = c return c:upper() end)",
    "local x = 0.5 for i = 1.0, 100.5, 0.5 do x = x + i at = x end",
    "local s = ('abcdefgh'):rep(20) for i = 1, #s do at = s:byte(i) at = s:sub(i, i + 2) end",
    "do local c <close> = setmetatable({}, {__close = function() at = 'closed' end}) at = 1 end
     local t = setmetatable({}, {__index = function(_, k) return k * 2 end, __newindex = function(_, k) at = k end})
     for i = 1, 100 do t[i] = t[i] end",
];

/// How far the program gets with so much fuel, and what is left.
fn run(modes: &[&str], program: &str, fuel: u64) -> (String, Option<u64>, bool) {
    let lua = state(modes);
    let function = lua.load(program).into_function().expect(program);
    lua.set_fuel(Some(fuel));
    let outcome = function.call::<()>(());
    let left = lua.fuel();
    lua.set_fuel(None);
    let stopped = match outcome {
        Ok(()) => false,
        Err(Error::LimitReached(Limit::Fuel)) => true,
        Err(error) => panic!("{program}: {error}"),
    };
    let at = lua.load("return tostring(at)").eval().expect("a string");
    (at, left, stopped)
}

const PLENTY: u64 = 1 << 40;

#[test]
fn a_program_burns_the_same_fuel_in_every_mode() {
    for program in FINITE {
        let (at, left, stopped) = run(&["off"], program, PLENTY);
        assert!(!stopped, "{program}");
        let needed = PLENTY - left.expect("fuel is counted");
        assert!((50..200_000).contains(&needed), "{program}: {needed}");
        for modes in MODES {
            let other = run(modes, program, PLENTY);
            assert_eq!(other, (at.clone(), left, stopped), "{modes:?}: {program}");
        }
        // Exactly enough is enough.
        assert_eq!(
            run(&["off"], program, needed),
            (at, Some(0), false),
            "{program}"
        );
        assert!(run(&["off"], program, needed - 1).2, "{program}");
    }
}

#[test]
fn a_program_without_fuel_stops_at_the_same_place_in_every_mode() {
    for program in FINITE {
        let (_, left, _) = run(&["off"], program, PLENTY);
        let needed = PLENTY - left.expect("fuel is counted");
        for n in 1..12 {
            let fuel = needed * n / 12;
            let expected = run(&["off"], program, fuel);
            assert_eq!(
                (expected.1, expected.2),
                (Some(0), true),
                "{program}: {fuel}"
            );
            for modes in MODES {
                assert_eq!(
                    run(modes, program, fuel),
                    expected,
                    "{modes:?}: {program}: {fuel}"
                );
            }
        }
    }
}

/// Programs that recurse until the stack overflows, and answer how deep they got.
const RECURSIVE: &[&str] = &[
    "local depth = 0 local function f() depth = depth + 1 return 1 + f() end
     for i = 1, 3 do depth = 0 ok, message = pcall(f) end at = depth",
    "local depth = 0 local function g(n) depth = n return n end
     local function f(n) g(n) local r = f(n + 1) return r end
     for i = 1, 3 do ok, message = pcall(f, 1) end at = depth",
    "local depth = 0 local t = setmetatable({}, {}) getmetatable(t).__add = function(a, b)
       depth = depth + 1 return (a + b) end
     ok, message = pcall(function() return t + 1 end) at = depth",
    "local depth = 0 local function f(...) depth = depth + 1 return f(depth, ...) + 1 end
     ok, message = pcall(f) at = depth",
    "local depth = 0 local function f() depth = depth + 1 return (f()) end
     for i = 1, 2 do depth = 0
       local co = coroutine.create(f) ok, message = coroutine.resume(co) end at = depth",
    "local depth = 0 local function odd(n) depth = n return not even(n + 1) end
     function even(n) depth = n return not odd(n + 1) end
     for i = 1, 4 do ok, message = pcall(even, 1) end at = depth",
];

#[test]
fn the_stack_overflows_at_the_same_call_in_every_mode() {
    for program in RECURSIVE {
        for slots in [1_000, 3_333] {
            let run = |modes: &[&str]| {
                let lua = state(modes);
                assert_eq!(lua.set_stack_limit(slots), 1_000_000);
                lua.load(*program).exec().expect(program);
                let text = "return ok, tostring(message), at";
                lua.load(text).eval::<(bool, String, i64)>().expect("three")
            };
            let expected = run(&["off"]);
            assert!(
                !expected.0 && expected.1.contains("stack overflow"),
                "{program}: {expected:?}"
            );
            assert!(
                (20..slots as i64).contains(&expected.2),
                "{program}: {expected:?}"
            );
            for modes in MODES {
                assert_eq!(run(modes), expected, "{modes:?}: {program}");
            }
        }
    }
    // The limits of the limit.
    let lua = Lua::new();
    lua.set_stack_limit(0);
    assert_eq!(lua.set_stack_limit(usize::MAX), 1_000);
    assert_eq!(lua.set_stack_limit(5_000), 1_000_000);
    let options = LuaOptions::new().stack_limit(3_000);
    let lua = Lua::new_with(StdLib::ALL, options).expect("a state");
    assert_eq!(lua.set_stack_limit(1_000), 3_000);
}

#[test]
fn patterns_burn_fuel_for_what_they_do() {
    // Each match takes fewer steps than there are between two polls.
    let program = "local s = ('a'):rep(12) .. 'b' for i = 1, 100 do at = i s:find('a*a*a*a*c') end";
    let (_, left, stopped) = run(&["off"], program, PLENTY);
    let needed = PLENTY - left.expect("fuel is counted");
    assert!(!stopped && needed > 20_000, "{needed}");
    for modes in MODES {
        for fuel in [needed, needed / 3, needed / 2] {
            let expected = run(&["off"], program, fuel);
            assert_eq!(run(modes, program, fuel), expected, "{modes:?}: {fuel}");
        }
    }
    for text in [
        "for i = 1, 100 do at = i for w in s:gmatch('a*a*a*c') do end end",
        "for i = 1, 100 do at = i s:match('a*a*a*c') s:gsub('a*a*a*c', '') end",
    ] {
        let program = format!("local s = ('a'):rep(30) {text}");
        let (_, left, _) = run(&["off"], &program, PLENTY);
        let needed = PLENTY - left.expect("fuel is counted");
        assert!(needed > 20_000, "{text}: {needed}");
        assert_eq!(
            run(&["hot=1", "exit=1"], &program, PLENTY).1,
            left,
            "{text}"
        );
    }
}

#[test]
fn finalisers_do_not_keep_a_state_from_being_closed() {
    let endless = "local m = {__gc = function() while true do pcall(error) end end}
                   for i = 1, 1000 do t = {setmetatable({}, m), t} end";
    for modes in MODES {
        let began = Instant::now();
        let lua = state(modes);
        lua.load(endless).exec().expect("no error");
        lua.set_fuel(Some(10_000));
        drop(lua);
        let lua = state(modes);
        lua.load(endless).exec().expect("no error");
        let deadline = Instant::now() + Duration::from_millis(5);
        lua.set_deadline(Some(deadline)).expect("a clock");
        drop(lua);
        let lua = state(modes);
        lua.load(endless).exec().expect("no error");
        let handle = lua.interrupt_handle();
        let thread = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(20));
            handle.interrupt();
        });
        drop(lua);
        thread.join().expect("no panic");
        assert!(began.elapsed() < Duration::from_secs(10), "{modes:?}");
    }
}

#[test]
fn fuel_may_be_given_and_taken_by_a_callback() {
    let mut places = Vec::new();
    for modes in MODES {
        let lua = state(modes);
        let give = lua.create_function(|lua: &Lua, fuel: Option<u64>| {
            lua.set_fuel(fuel);
            Ok(())
        });
        lua.globals()
            .set("give", give.expect("a function"))
            .expect("set");
        let outcome = lua
            .load("for i = 1, 100 do at = i if i == 50 then give(20) elseif i == 52 then give() end end")
            .exec();
        assert!(outcome.is_ok(), "{modes:?}: {outcome:?}");
        let outcome = lua
            .load("for i = 1, 100 do at = i if i == 50 then give(30) end end")
            .exec();
        assert!(
            matches!(outcome, Err(Error::LimitReached(Limit::Fuel))),
            "{modes:?}"
        );
        lua.set_fuel(None);
        let at: i64 = lua.globals().get("at").expect("a number");
        assert!((52..65).contains(&at), "{modes:?}: {at}");
        places.push(at);
    }
    places.dedup();
    assert_eq!(places.len(), 1, "{places:?}");
}
