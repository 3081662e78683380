//! Memory may run out at any allocation: each in turn fails in small programs that together use
//! most of the language and library. Whatever happens, the outcome is the program's own or "not
//! enough memory", the heap stays whole, and the state goes on working.

use perilune::{Error, Lua, Options, Value};

/// Each answers a string, and raises "not enough memory" again, or shows it, where it catches it.
const PROGRAMS: &[&str] = &[
    // Tables in all their parts, growing.
    "local t, n = {}, 0
     for i = 1, 40 do t[i] = i; t['k' .. i] = i; t[i + 0.5] = i end
     for k, v in pairs(t) do n = n + v end
     for i = 40, 1, -1 do t[i] = nil end
     return tostring(n + #t)",
    // Strings.
    "local s = ''
     for i = 1, 12 do s = s .. i .. ('x'):rep(i * 7) end
     s = s:upper():reverse():gsub('X+', function(x) return #x .. '' end):gsub('%d', '<%0>')
     return s:sub(1, 50) .. ('%5d|%-8s|%q|%g'):format(42, 'abc', 'a\\n\"', 1.5)",
    "local t = {}
     for word in ('the quick brown fox jumps'):gmatch('%a+') do t[#t + 1] = word end
     table.sort(t, function(a, b) return a > b end)
     table.insert(t, 1, 'x'); table.remove(t); table.move(t, 1, 3, 9)
     return table.concat(t, ',', 1, 4) .. select('#', table.unpack(t, 1, 11)) .. #table.pack(1, 2, 3)",
    "return ('z'):rep(3000):len() .. string.pack('>s2i4z', ('ab'):rep(60), 7, 'end')
       .. utf8.char(228, 8364, 128512) .. #string.format('%99.99f', 1e300)",
    // Closures, variable arguments, recursion that grows the stack.
    "local function counter() local n = 0; return function(...) n = n + select('#', ...); return n end end
     local f, g = counter(), counter()
     local function deep(n, ...) if n == 0 then return f(...) end return (deep(n - 1, n, ...)) end
     return deep(60) .. '/' .. g() .. '/' .. f(table.unpack({}, 1, 200))",
    // Metatables, objects, to-be-closed variables, finalisers, weak tables.
    "local log, Class = {}, {}
     Class.__index = Class
     Class.__add = function(a, b) return setmetatable({v = a.v + b.v}, Class) end
     Class.__tostring = function(a) return 'C' .. a.v end
     Class.__concat = function(a, b) return tostring(a) .. tostring(b) end
     Class.__close = function(a) log[#log + 1] = 'closed ' .. a.v end
     Class.__lt = function(a, b) return a.v < b.v end
     local function new(v) return setmetatable({v = v}, Class) end
     do local a <close> = new(1); local b <close> = new(2); log[1] = (a + b) .. '|' .. new(7) end
     local weak = setmetatable({}, {__mode = 'kv'})
     for i = 1, 20 do weak[{}] = new(i); setmetatable({}, {__gc = function() end}) end
     collectgarbage()
     return table.concat(log, ' ') .. tostring(new(1) < new(2)) .. tostring(next(weak))",
    // Coroutines, yields across pcall and metamethods.
    "local function gen(n) return coroutine.wrap(function() for i = 1, n do coroutine.yield(i, {}) end end) end
     local sum = 0
     for i in gen(10) do for j in gen(3) do sum = sum + i * j end end
     local co = coroutine.create(function(...)
       local ok, v = pcall(function(...) return coroutine.yield(...) end, ...)
       error({v})
     end)
     local _, a = coroutine.resume(co, 'in')
     if a ~= 'in' then error(a, 0) end
     local ok, e = coroutine.resume(co, 'back')
     if type(e) == 'string' then error(e, 0) end
     return sum .. a .. tostring(ok) .. e[1] .. coroutine.status(co) .. tostring(coroutine.close(co))",
    // Loading, dumping, error messages, tracebacks.
    "local f = assert(load('local a, b = ...; local function g(x) return x * 2 end; return g(a) + b', '=chunk'))
     local h = assert(load(string.dump(f), 'dumped', 'b'))
     local _, syntax = load('x = = 1')
     local _, message = pcall(function() local t; return t.x.y end)
     local _, trace = xpcall(error, debug.traceback, 'oops')
     return h(4, 5) .. syntax .. message .. (trace:match('^oops\\nstack traceback') or trace)",
    "package.preload.m = function(name) return {name = name} end
     local a = require 'm'
     local ok, why = pcall(require, 'no.such.module')
     return a.name .. tostring(ok) .. (why:match('^module') or why)",
    "local t = setmetatable({}, {__index = function(t, k) return k .. '!' end,
       __newindex = function(t, k, v) rawset(t, k, v .. '?') end,
       __call = function(self, x) return x .. tostring(self ~= nil) end,
       __len = function() return 3 end, __name = 'T'})
     t.a = 'b'
     local parts = {}
     for i, v in ipairs({1, 2, 3}) do parts[i] = t[i] .. v end
     return t.a .. t('c') .. #t .. table.concat(parts) .. tostring(pcall(t.a))",
    // Errors caught and handled on the way.
    "local n = 0
     for i = 1, 8 do
       local ok, e = pcall(function() local x <close> = setmetatable({}, {__close = function() n = n + 1 end})
         if i % 2 == 0 then error('e' .. i) end
         return {i}
       end)
       if not ok and e == 'not enough memory' then error(e, 0) end
     end
     return 'closed ' .. n",
    "return os.date('!%Y-%m-%d %H:%M:%S', 86400) .. tostring(os.getenv('NO_SUCH_VARIABLE'))
       .. math.type(3) .. tostring(tonumber('0x1p4')) .. tostring(io.type(io.stdout))",
];

fn state() -> Lua {
    state_with(&[])
}

fn state_with(modes: &[&str]) -> Lua {
    let mut options = Options::new().without_environment();
    for mode in modes {
        options = options.with_mode(mode).expect("a mode");
    }
    Lua::with_options(&options).expect("memory for a state")
}

/// Runs `program` with the `n`th allocation failing, checks what must hold, and answers whether
/// that allocation was reached.
fn fail(program: &str, n: u64, expected: &str) -> bool {
    fail_in(&state(), program, n, expected)
}

fn fail_in(lua: &Lua, program: &str, n: u64, expected: &str) -> bool {
    lua.fail_nth_allocation(Some(n));
    let outcome = run(lua, program);
    let reached = !lua.fail_nth_allocation(None);
    match outcome {
        Ok(text) => assert!(
            text == expected || (reached && text.contains("not enough memory")),
            "allocation {n} of {program}: {text}"
        ),
        Err(Error::MemoryError(_)) => assert!(reached),
        Err(error) => {
            let message = error.to_string();
            assert!(
                reached && message.contains("not enough memory"),
                "allocation {n} of {program}: {message}"
            );
        }
    }
    if let Err(violation) = lua.check_heap() {
        panic!("after allocation {n} of {program}: {violation}");
    }
    let again = run(lua, program).expect("the program runs once there is memory");
    assert_eq!(again, expected, "after allocation {n} of {program}");
    reached
}

fn run(lua: &Lua, program: &str) -> Result<String, Error> {
    let function = lua
        .load(program.as_bytes())
        .set_name("=p")
        .into_function()?;
    let result: Value = function.call(())?;
    lua.gc_collect().expect("a collection");
    match result {
        Value::String(text) => Ok(text.to_string_lossy()),
        other => Ok(format!("{other:?}")),
    }
}

#[test]
fn every_allocation_may_fail() {
    for program in PROGRAMS {
        let expected = run(&state(), program).expect("the program is right");
        let mut n = 1;
        while fail(program, n, &expected) {
            n += 1;
        }
        assert!(n > 10, "{program} allocates only {n} times");
    }
}

/// Objects that a trace did not make are made when it is left: then memory may run out, too.
#[cfg(feature = "jit")]
#[test]
fn every_allocation_at_an_exit_may_fail() {
    let program = "local p = {x = 0, inner = {y = 0}}
         for i = 1, 200 do
           local n = i
           p = {x = p.x + i, inner = {y = i, get = function() n = n + 1; return n end}}
         end
         return p.x .. p.inner.y .. p.inner.get()";
    let count = |modes: &[&str]| {
        let expected = run(&state_with(modes), program).expect("the program is right");
        let mut n = 1;
        while fail_in(&state_with(modes), program, n, &expected) {
            n += 1;
        }
        n
    };
    let (sunk, made) = (count(&["hot=2", "exit=1000"]), count(&["off"]));
    // The last ones fail at the exit: there are few others.
    assert!(
        sunk + 500 < made,
        "{sunk} allocations, {made} without traces"
    );
}

#[test]
fn states_are_not_made_without_memory() {
    let mut failures = 0;
    for n in (1..4000).step_by(7) {
        let options = Options::new()
            .without_environment()
            .with_mode(&format!("alloc=fail={n}"))
            .expect("a mode");
        match Lua::with_options(&options) {
            Err(error) => {
                assert!(matches!(error, Error::MemoryError(_)), "{error}");
                failures += 1;
            }
            Ok(lua) => {
                assert!(
                    lua.fail_nth_allocation(None),
                    "allocation {n} failed unseen"
                );
                lua.check_heap().expect("a whole heap");
            }
        }
    }
    assert!(failures > 10, "{failures}");
}

/// What library functions hold while they run, callbacks included, is charged: none of these gets
/// past the limit, and all of it is given back.
#[test]
fn what_functions_hold_counts_towards_the_limit() {
    const LIMIT: usize = 16 << 20;
    const HUNGRY: &[&str] = &[
        "return ('x'):rep(1 << 30)",
        "return (('x'):rep(1 << 20):gsub('x', function() return ('y'):rep(1000) end))",
        "return (('x'):rep(1 << 20):gsub('x', setmetatable({}, {__index = function() return ('y'):rep(1000) end})))",
        "return table.concat(setmetatable({}, {__index = function() return ('y'):rep(1000) end}), ',', 1, 1 << 40)",
        "return load(function() return '--' .. ('x'):rep(10000) .. '\\n' end)",
        "return ('%s'):rep(10000):format(table.unpack((function() local t = {}
           for i = 1, 10000 do t[i] = ('x'):rep(10000) end return t end)()))",
        "return string.pack(('c2000000000'):rep(2), '', '')",
        "return package.searchpath(('x'):rep(100000), ('?'):rep(100000))",
        "return load(('a()'):rep(1 << 20))",
        "return ('x'):match(('%a?'):rep(1 << 20))",
        "return os.date(('%c'):rep(2 << 20))",
    ];
    for program in HUNGRY {
        let lua = state();
        lua.gc_collect().expect("a collection");
        let before = lua.used_memory();
        lua.set_memory_limit(LIMIT).expect("a limit");
        match run(&lua, program) {
            Err(Error::MemoryError(_)) => {}
            Err(error) => assert!(
                error.to_string().contains("not enough memory"),
                "{program}: {error}"
            ),
            Ok(text) => panic!("{program} gives {text}"),
        }
        lua.gc_collect().expect("a collection");
        lua.check_heap().expect(program);
        let after = lua.used_memory();
        assert!(
            after < before + (1 << 20),
            "{program}: {before}, then {after}"
        );
    }
}
