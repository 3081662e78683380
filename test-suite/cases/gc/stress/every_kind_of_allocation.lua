local function work(n) local t = {} for i = 1, n do t[#t + 1] = {i = i, s = "s" .. i, f = function() return i end, c = coroutine.wrap(function() coroutine.yield(i) return i * 2 end)} end local sum = 0 for _, o in ipairs(t) do sum = sum + o.i + #o.s + o.f() + o.c() + o.c() end return sum end
print(work(60))
local parts = {}
for w in ("a b c d e f"):gmatch("%a") do parts[#parts + 1] = w:upper() .. w:rep(3) end
print(table.concat(parts, ","))
print((("x"):rep(50):gsub("x", function(c) return c .. "y" end)))
local s = {}
for i = 1, 40 do s[i] = {k = (i * 7919) % 41} end
table.sort(s, function(a, b) return a.k < b.k end)
print(s[1].k, s[40].k)
print(select("#", table.unpack(s)), load("local t = {} for i = 1, 30 do t[i] = {i} end return #t")(), string.format("%s %s", {} and "t", "x" .. 1))
local mt = {__add = function(a, b) return setmetatable({v = a.v + b.v}, getmetatable(a)) end, __concat = function(a, b) return "c" end}
local acc = setmetatable({v = 0}, mt)
for i = 1, 50 do acc = acc + setmetatable({v = i}, mt) end
print(acc.v, acc .. acc, pcall(function() local x <close> = setmetatable({}, {__close = function() return {} end}) error({}) end) == false)
