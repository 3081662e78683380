local function sorted(t, f) table.sort(t, f) return table.concat(t, " ") end
print(sorted{3, 1, 2}, sorted{}, sorted{1}, sorted{"b", "a", "C"}, sorted({3, 1, 2}, function(a, b) return a > b end), sorted{5, 2.5, -1, 1e3})
local t = {}
local x = 42
for i = 1, 500 do x = (x * 1103515245 + 12345) % 2147483648 t[i] = x % 1000 end
table.sort(t)
local ok = true
for i = 2, #t do ok = ok and t[i - 1] <= t[i] end
print(ok, #t, t[1], t[500])
table.sort(t, function(a, b) return a > b end)
print(t[1], t[500])
print(pcall(table.sort, {1, "x", 2}))
print(pcall(table.sort, {3, 2, 1}, 5))
print(pcall(table.sort, {1, 2, 3}, function() error("in comparator", 0) end))
print(pcall(table.sort, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, function() return true end))
print(pcall(table.sort))
print(pcall(table.sort, setmetatable({}, {__len = function() return math.maxinteger end})))
local people = {{n = "b", a = 2}, {n = "a", a = 2}, {n = "c", a = 1}}
table.sort(people, function(p, q) if p.a ~= q.a then return p.a < q.a end return p.n < q.n end)
for _, p in ipairs(people) do io.write(p.n, " ") end
print()
for i = 1, 100 do t[i] = i end
for i = 101, 500 do t[i] = nil end
table.sort(t)
print(t[1], t[100])
table.sort(t, function(a, b) return a > b end)
print(t[1], t[100])
