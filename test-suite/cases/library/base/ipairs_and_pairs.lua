for i, v in ipairs{10, 20, nil, 40} do io.write(i, "=", v, " ") end print()
for i, v in ipairs(setmetatable({}, {__index = function(_, i) if i < 4 then return i * i end end})) do io.write(i, "=", v, " ") end
print()
local t = {}
for k, v in pairs{10, 20, x = 1} do t[#t + 1] = tostring(k) .. "=" .. v end
table.sort(t)
print(table.concat(t, " "))
print(pcall(ipairs))
print((pcall(pairs, nil)), pcall(next, nil))
print(select("#", ipairs{}), select("#", pairs{}), (pairs{}) == next)
for i in ipairs(setmetatable({}, {})) do print("never", i) end
local p, s, c = pairs(setmetatable({}, {__pairs = function(t) return 1, 2, 3, 4 end}))
print(p, s, c)
print(next({}), next({5}), pcall(next, {}, "missing"))
print(pcall(next))
