local mt = {}
mt.__eq = function(a, b) return a.v == b.v end mt.__lt = function(a, b) return a.v < b.v end mt.__le = function(a, b) return a.v <= b.v end
local function new(v) return setmetatable({v = v}, mt) end
local a, b, c = new(1), new(2), new(1)
print(a == b, a == c, a ~= c, a < b, a > b, a <= c, a >= b, not (a < b), rawequal(a, c))
print(a == 1, pcall(function() return a < 1 end))
local other = setmetatable({v = 1}, {__eq = function() return "truthy" end})
print(other == a, a == other, a == setmetatable({v = 1}, {}))
local m = setmetatable({}, {__lt = function(x, y) return nil end, __le = function() return 1 end})
print(m < 1, m <= 1, 1 > m, 1 >= m)
print(pcall(function() return setmetatable({}, {}) < setmetatable({}, {}) end))
print(pcall(function() return new(1) <= {} end))
table.sort({a, b, c})
local list = {b, a, new(0)}
table.sort(list)
print(list[1].v, list[2].v, list[3].v)
