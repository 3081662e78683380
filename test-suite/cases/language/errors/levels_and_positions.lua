local function f(level) error("message", level) end
local function g(level) f(level) end
print(pcall(g, 0)) print(pcall(g, 1))
print(pcall(g, 2)) print(pcall(function()
  g(3) end))
print(pcall(error, "plain"))
print(pcall(error, "level two", 2))
print(select(2, pcall(error, setmetatable({}, {__tostring = function() return "obj" end}))) ~= nil)
print(pcall(assert, false))
print(pcall(assert, nil, "text"))
print((pcall(assert, false, {})))
print(pcall(assert))
print(assert(1, 2, 3))
print(select("#", assert(true, nil, nil)), pcall(assert, false, nil))
