local function f(n) return 1 + f(n + 1) end
local ok, message = pcall(f, 1)
print(ok, (message:gsub("%(.*", "")))
local function g() return g() + 1 end
for i = 1, 3 do print((pcall(g))) end
local depth = 0
local function h() depth = depth + 1 h() end
pcall(h)
print(depth > 10000)
print(select("#", table.unpack({}, 1, 200)))
print(pcall(table.unpack, {}, 1, 1e8))
print(pcall(function() return table.unpack({}, 1, 1e7) end))
