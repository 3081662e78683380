//! Programs that allocate in ways that are hard to account for: each fills the memory that it may have, most
//! of them with one kind of object, some of them several times with blocks of other sizes.

/// A program: its name and its text. It ends with a memory error, or by itself after it has caught some.
pub(crate) const PATTERNS: &[(&str, &str)] = &[
    ("tables", "local t = {} while true do t[#t + 1] = {} end"),
    (
        "fields",
        "local t = {} while true do t[#t + 1] = {x = 1, y = 2} end",
    ),
    (
        "list",
        "local head while true do head = {next = head} end",
    ),
    (
        "closures",
        "local t = {} while true do local x = #t t[#t + 1] = function() return x end end",
    ),
    (
        "short strings",
        "local t = {} while true do t[#t + 1] = 'k' .. #t end",
    ),
    (
        "long strings",
        "local t = {} while true do t[#t + 1] = ('x'):rep(41 + #t % 300) end",
    ),
    (
        "larger strings",
        "local t = {} while true do t[#t + 1] = ('x'):rep(1000 + #t % 7 * 2900) end",
    ),
    ("one array", "local t = {} while true do t[#t + 1] = 1 end"),
    (
        "arrays",
        "local t = {} while true do
           local a = {} for i = 1, 3 + #t % 60 do a[i] = i end t[#t + 1] = a
         end",
    ),
    (
        "one hash",
        "local t, n = {}, 0 while true do n = n + 1 t[n * 1.5 + 0.25] = true end",
    ),
    (
        "hashes",
        "local t = {} while true do
           local h = {} for i = 1, 1 + #t % 20 do h[-i] = i end t[#t + 1] = h
         end",
    ),
    (
        "shapes",
        "local t = {} while true do
           local o = {} for i = 1, 8 do o['f' .. (#t * 7 + i * i) % 50021] = i end t[#t + 1] = o
         end",
    ),
    (
        "metatables",
        "local t = {} while true do t[#t + 1] = setmetatable({}, {__index = {}}) end",
    ),
    (
        "finalisers",
        "local m = {__gc = function() end}
         local t = {} while true do t[#t + 1] = setmetatable({}, m) end",
    ),
    (
        "weak tables",
        "local m, t = {__mode = 'k'}, {} while true do
           local k = {} t[#t + 1] = setmetatable({[k] = k}, m) t[#t + 1] = k
         end",
    ),
    ("userdata", "local t = {} while true do t[#t + 1] = new(#t) end"),
    (
        "coroutines",
        "local t, yield = {}, coroutine.yield while true do
           local co = coroutine.create(function() yield() end) coroutine.resume(co) t[#t + 1] = co
         end",
    ),
    (
        "coroutine stacks",
        "local t, yield = {}, coroutine.yield
         local function f(n) if n > 0 then f(n - 1) else yield() end return 1 end
         while true do
           local co = coroutine.create(f) coroutine.resume(co, #t % 40) t[#t + 1] = co
         end",
    ),
    (
        "one stack",
        "local function f(n) local a, b, c, d, e = n, n, n, n, n return f(n + 1) + a + b + c + d + e end
         f(1)",
    ),
    (
        "appending",
        "local s = '' while true do s = s .. ('y'):rep(1 << 18) end",
    ),
    (
        "doubling",
        "for i = 1, 20 do pcall(function() local s = 'z' while true do s = s .. s end end) end",
    ),
    (
        "buffers",
        "for i = 1, 4 do
           pcall(function() local s = ('ab'):rep(1 << 20) while true do s = s:gsub('b', 'bbb') end end)
           pcall(function()
             local t = {} for i = 1, 1 << 16 do t[i] = ('w'):rep(64) end
             while true do local s = table.concat(t) t[#t + 1] = s end
           end)
         end",
    ),
    (
        "functions",
        "local t = {} while true do
           t[#t + 1] = load('local a, b = ... local t = {x = a, y = b} return function() return t.x + ' .. #t .. ' end')
         end",
    ),
    (
        "traces",
        "local t = {} while true do
           local f = load('local s = 0 for i = 1, 200 do s = s + i * ' .. #t .. ' end return s')
           f() t[#t + 1] = f
         end",
    ),
    (
        "sizes in turn",
        "for round = 1, 6 do
           local n = round * 37
           pcall(function() local t = {} while true do t[#t + 1] = ('x'):rep(40 + n * (round % 3 + 1)) end end)
           pcall(function() local t = {} while true do t[#t + 1] = {x = 1, y = 2} end end)
           pcall(function() local t = {} while true do t[#t + 1] = 1 end end)
         end",
    ),
    (
        "some kept",
        "local kept = {}
         for round = 1, 5 do
           pcall(function()
             local t = {} while true do
               local s = ('x'):rep(30 * round + #t % 5) t[#t + 1] = s
               if #t % 40 == 0 then kept[#kept + 1] = s end
             end
           end)
         end",
    ),
    (
        "garbage",
        "for i = 1, 3000000 do local t = {x = i, y = {i}} end
         local s for i = 1, 300000 do s = ('g'):rep(i % 700) end",
    ),
];
