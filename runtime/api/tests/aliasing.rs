//! A whole state, libraries included, runs a program that is small enough for Miri: it then sees
//! how interpreter, libraries, collector and embedding interface share a heap.

use perilune_api::Lua;

/// Runs a program that returns an integer, collecting at every few allocations.
fn run(source: &str) -> i64 {
    let lua = Lua::without_libraries().expect("a state");
    lua.with_call(perilune_stdlib::open_all).expect("libraries");
    lua.set_gc_stress(Some(if cfg!(miri) { 400 } else { 1 }));
    lua.load(source)
        .eval()
        .unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn tables_and_closures() {
    let result = run("local list, map = {}, {}
         for i = 1, 20 do list[i] = {value = i}; map['key' .. i] = list[i] end
         local function sum(n) if n == 0 then return 0 end return list[n].value + sum(n - 1) end
         local total = sum(#list)
         local counter = 0
         local function count() counter = counter + 1 return counter end
         for i = 1, 10 do count() end
         return total + counter + map.key20.value");
    assert_eq!(result, 240);
}

#[test]
fn metamethods_and_inheritance() {
    let result = run("local Base = {} Base.__index = Base
         function Base.new(x) return setmetatable({x = x}, Base) end
         function Base:get() return self.x end
         Base.__add = function(a, b) return Base.new(a.x + b.x) end
         Base.__lt = function(a, b) return a.x < b.x end
         local Derived = setmetatable({}, Base) Derived.__index = Derived
         local sum = Base.new(0)
         for i = 1, 5 do sum = sum + Base.new(i) end
         local d = setmetatable({x = 7}, Derived)
         local less = Base.new(1) < Base.new(2) and 1 or 0
         return sum:get() + d:get() + less");
    assert_eq!(result, 23);
}

#[test]
fn coroutines_errors_and_closing() {
    let result = run(
        "local log = 0
         local function closing() return setmetatable({}, {__close = function() log = log + 1 end}) end
         local co = coroutine.wrap(function(a)
             local c <close> = closing()
             local b = coroutine.yield(a + 1)
             local ok, message = pcall(error, {code = b})
             coroutine.yield(message.code)
             return 100
         end)
         local total = co(1) + co(40) + co()
         local ok = pcall(function() local c <close> = closing() error('x') end)
         return total + log",
    );
    assert_eq!(result, 144);
}

#[test]
fn strings_sorting_and_weak_tables() {
    let result = run("local words = {}
         for word in ('the quick brown fox jumps'):gmatch('%a+') do words[#words + 1] = word end
         table.sort(words, function(a, b) return a > b end)
         local text = table.concat(words, ' '):gsub('o', '0')
         local weak = setmetatable({}, {__mode = 'k'})
         for i = 1, 10 do weak[{}] = i end
         collectgarbage()
         collectgarbage('generational')
         for i = 1, 10 do local t = {i} end
         collectgarbage('incremental')
         return #text + select('#', table.unpack(words)) + (next(weak) and 1000 or 0)");
    assert_eq!(result, 30);
}
