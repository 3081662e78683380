local base = {x = "base x"} base.__index = base
local derived = setmetatable({y = "derived y"}, base) derived.__index = derived
local object = setmetatable({}, derived)
print(object.x, object.y, object.z, rawget(object, "x"))
object.x = "own" print(object.x, base.x) object.x = nil print(object.x)
local log = {}
local proxy = setmetatable({}, {__index = function(t, k) log[#log + 1] = "get " .. tostring(k) return k end, __newindex = function(t, k, v) log[#log + 1] = "set " .. tostring(k) rawset(t, k, v) end})
local _ = proxy.a, proxy[1] proxy.b = 2 proxy.b = 3 print(table.concat(log, ","), proxy.b)
local store = {}
local redirect = setmetatable({}, {__newindex = store, __index = store}) redirect.k = "v"
print(rawget(redirect, "k"), store.k, redirect.k)
local readonly = setmetatable({}, {__newindex = function() error("read only", 2) end})
print(pcall(function() readonly.x = 1 end))
print(pcall(function() return setmetatable({}, {__index = 5}).x end))
print(("abc").len == string.len, #"abc", ("x").y)
local arr = setmetatable({1, 2, 3}, {__index = function(t, i) return i * 10 end})
print(arr[2], arr[5], #arr)
