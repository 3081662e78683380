local t = {}
for i = 1, 20 do t[i] = i end
for k, v in pairs(t) do if v % 2 == 0 then t[k] = nil else t[k] = v * 10 end end
local keys = {}
for k in pairs(t) do keys[#keys + 1] = k end
table.sort(keys)
print(table.concat(keys, " "), t[3])
print(pcall(function() for k in pairs({a = 1}) do error(k, 0) end end))
local m = {x = 1, y = 2}
local k = next(m) m[k] = nil
print(next(m, k) ~= nil)
print(pcall(next, {}, 1))
local nested = {{1, 2}, {3, 4}}
for i, row in ipairs(nested) do for j, v in ipairs(row) do io.write(i, j, v, " ") end end
print()
local order = {}
for _, v in ipairs{5, 4, 3} do order[#order + 1] = v end
print(table.concat(order))
local e = {}
for i = 1, 10 do e[i] = true end
for i = 1, 10 do e[i] = nil end
print(next(e), #e) e[1] = 1
print(#e, next(e))
