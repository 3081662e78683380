-- Tracebacks of functions called in every possible way, and the names of functions in messages.
local function strip(s) return (s:gsub("0x%x+", "PTR")) end
local function lvl3() print(strip(debug.traceback("msg"))) end
local function lvl2(...) lvl3() end
function globalf() lvl2(1, 2) return 1 end
local t = {}
function t.field() globalf() end
function t:method() t.field() end
function t.a() end
t:method()
local mt = setmetatable({}, {__add = function(a, b) lvl3() return 1 end, __index = function() lvl3() return 1 end, __lt = function() lvl3() return true end, __concat = function() lvl3() return "x" end, __call = function() lvl3() end, __close = function() lvl3() end, __unm = function() lvl3() end, __len = function() lvl3() return 1 end, __eq = function() lvl3() return true end, __newindex = function() lvl3() end})
local _ = mt + 1; _ = mt.x; _ = mt < mt; _ = "a" .. mt; mt(); _ = -mt; _ = #mt; _ = mt == setmetatable({}, getmetatable(mt)); mt.y = 1
do local c <close> = mt end
pcall(lvl3)
pcall(pcall, lvl3)
xpcall(lvl3, print)
for i in function(_, x) if not x then lvl3() return 1 end end do end
local co = coroutine.wrap(function() lvl3() coroutine.yield() lvl3() end)
co() co()
local co = coroutine.create(function(x) local function inner() coroutine.yield(x) end inner() error("oops") end)
print(strip(debug.traceback(co)))
coroutine.resume(co, 1)
print(strip(debug.traceback(co))) print(strip(debug.traceback(co, "m", 1))) print(strip(debug.traceback(co, nil, 100)))
coroutine.resume(co)
print(strip(debug.traceback(co)))
local function tail() return lvl3() end
local function tail2() return tail() end
tail2()
local function tt() tail2() end tt()
table.sort({3, 2, 1}, function(a, b) if a == 3 and b == 2 or a == 2 and b == 3 then if not t.done then t.done = true; lvl3() end end return a < b end)
string.gsub("x", "x", function() lvl3() end)
load("lvl = ... ; lvl()", "=mychunk")(lvl3)
load("local f = ... ; local function g() f() end g()", "@file.lua")(lvl3)
load("local f = ... ; f()", "line1\nline2")(lvl3)
load(function() if not t.l then t.l = true lvl3() return "return 1" end end)
print(strip(select(2, xpcall(function() local x = nil; x() end, debug.traceback))))
print(strip(select(2, xpcall(function() error("msg") end, debug.traceback))))
print(strip(select(2, xpcall(function() error({}) end, function(e) return debug.traceback(tostring(e):sub(1,5)) end))))
print(debug.traceback({}) ~= nil, debug.traceback(nil), debug.traceback("x", 0))
print(debug.traceback(12), debug.traceback("x", -1))
local function rec(n) if n == 0 then lvl3() else rec(n-1) end end
rec(8) rec(30)
debug.sethook(function(e, l) debug.sethook() lvl3() end, "l")
local zz = 1
print(strip(tostring(select(2, pcall(string.rep)))))
print(select(2, pcall(("x").rep, "x", {})))
local s = "x"
print(select(2, pcall(function() return s:rep({}) end)))
print(select(2, pcall(function() return s.rep({}) end)))
print(select(2, pcall(function() return string.rep() end)))
print(select(2, pcall(function() local r = string.rep; return r() end)))
print(select(2, pcall(function() local r = {string.rep}; r[1]() end)))
print(select(2, pcall(function() io.stdout:seek(1) end)))
print(select(2, pcall(function() io.stdout.seek() end)))
print(select(2, pcall(function() for i in string.rep do end end)))
print(select(2, pcall(function() return setmetatable({}, {__index = string.rep}).x end)))
print(select(2, pcall(function() return setmetatable({}, {__add = string.rep}) + 1 end)))
