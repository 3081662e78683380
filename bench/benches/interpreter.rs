//! Micro-operations of the interpreter: each function runs one kind of operation ten thousand
//! times.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use perilune::{Function, Lua};

const ROUNDS: u64 = 10_000;

/// Name, preparation, loop body over `i`.
const OPERATIONS: &[(&str, &str, &str)] = &[
    ("empty loop", "", ""),
    ("integer arithmetic", "local x = 1", "x = x * 3 + i - 7"),
    ("float arithmetic", "local x = 1.5", "x = x * 0.5 + 1.25"),
    (
        "comparison",
        "local n = 0",
        "if i % 2 == 0 then n = n + 1 end",
    ),
    (
        "field read",
        "local t, s = { a = 1, b = 2 }, 0",
        "s = s + t.a + t.b",
    ),
    ("field write", "local t = { a = 1 }", "t.a = i"),
    (
        "array read",
        "local t, s = { 1, 2, 3, 4 }, 0",
        "s = s + t[i % 4 + 1]",
    ),
    ("array append", "local t = {}", "t[#t + 1] = i"),
    ("global access", "counter = 0", "counter = counter + 1"),
    (
        "upvalue access",
        "local n = 0 local function f() n = n + 1 end",
        "f()",
    ),
    (
        "call",
        "local function f(a, b) return a + b end local s = 0",
        "s = f(s, i)",
    ),
    (
        "method call",
        "local C = {} C.__index = C function C:m(x) self.n = self.n + x end \
         local o = setmetatable({ n = 0 }, C)",
        "o:m(i)",
    ),
    (
        "metamethod",
        "local mt = {} mt.__add = function(a, b) return a end local o = setmetatable({}, mt)",
        "o = o + i",
    ),
    ("closure creation", "local f", "f = function() return i end"),
    ("table creation", "local t", "t = { x = i, y = i }"),
    (
        "vararg call",
        "local function f(...) return select('#', ...) end",
        "f(i, i, i)",
    ),
    ("pcall", "local function f() return 1 end", "pcall(f)"),
    ("native call", "local floor = math.floor", "floor(i)"),
    ("string concatenation", "local s", "s = 'value ' .. i"),
    (
        "string key",
        "local t, k = {}, { 'a', 'b', 'c' }",
        "t[k[i % 3 + 1]] = i",
    ),
    (
        "coroutine switch",
        "local co = coroutine.wrap(function() while true do coroutine.yield() end end)",
        "co()",
    ),
];

fn compile(lua: &Lua, preparation: &str, body: &str) -> Function {
    let text = format!("{preparation}\nreturn function(count) for i = 1, count do {body} end end");
    let maker = lua.load(text.as_bytes()).set_name("=bench").into_function();
    maker
        .and_then(|maker| maker.call(()))
        .expect("the operation compiles")
}

fn operations(criterion: &mut Criterion) {
    let lua = Lua::new();
    let mut group = criterion.benchmark_group("interpreter");
    group.throughput(Throughput::Elements(ROUNDS));
    for (name, preparation, body) in OPERATIONS {
        let function = compile(&lua, preparation, body);
        group.bench_function(*name, |bencher| {
            bencher.iter(|| function.call::<()>(ROUNDS as i64));
        });
    }
    group.finish();
}

criterion_group!(benches, operations);
criterion_main!(benches);
