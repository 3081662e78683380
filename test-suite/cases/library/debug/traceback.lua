local function f() return debug.traceback("message") end
print((f()))
print(debug.traceback("m", 0) ~= nil, debug.traceback({}) ~= nil, type(debug.traceback({})), debug.traceback(nil), debug.traceback(12))
local co = coroutine.create(function() local x = coroutine.yield() error("dead") end)
coroutine.resume(co)
print(debug.traceback(co))
coroutine.resume(co)
print(debug.traceback(co))
print(debug.traceback(co, "msg", 1))
local function deep(n) if n == 0 then return debug.traceback("deep") end local r = deep(n - 1) return r end
print((deep(30)))
local function t() return (function() return debug.traceback() end)() end
print(t())
print(debug.traceback("x", 100))
