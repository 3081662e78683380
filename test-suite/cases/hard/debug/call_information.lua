local function inner() return debug.getinfo(1, "nSlt"), debug.getinfo(2, "nlt") end
local function middle() local a, b = inner() return a, b end
local a, b = middle()
print(a.name, a.namewhat, a.currentline, a.istailcall, a.what, a.short_src)
print(b.name, b.namewhat, b.currentline, b.istailcall)
local function tail() return inner() end
local c, d = tail()
print(c.name, c.namewhat, c.istailcall, d.name, d.istailcall)
local function depth() local n = 0 while debug.getinfo(n + 1, "l") do n = n + 1 end return n end
local function deeper(n) if n == 0 then return depth() end local r = deeper(n - 1) return r end
print(deeper(0) - depth(), deeper(5) - deeper(0))
local t = setmetatable({}, {__add = function() return debug.getinfo(1, "n").name end, __index = function() return debug.getinfo(1, "n").namewhat end})
print(t + 1, t.x)
