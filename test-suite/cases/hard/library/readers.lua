local parts, i = {"return ", "1", " + ", "41"}, 0
print(load(function() i = i + 1 return parts[i] end)())
print(pcall(load, function() return 1 and {} end))
print(pcall(load, function() error("reader failed", 0) end))
print(pcall(load, function() coroutine.yield() end))
local n = 0
print(load(function() n = n + 1 if n < 2000 then return "-- a comment that goes on " end end) ~= nil, n)
print(load("x =", "=name"))
print(load("return ...", "=(load)", "t", {})(5))
print(load("\27Lua", "b", "t"))
print(load("x", "t", "b"))
