local t = {}
for i = 1, 3000 do t["key" .. i] = i end
local n, s = 0, 0
for k, v in pairs(t) do n, s = n + 1, s + v end
print(n, s)
for i = 1, 3000, 2 do t["key" .. i] = nil end n = 0
for _ in pairs(t) do n = n + 1 end
print(n, t.key1, t.key2)
for i = 1, 3000 do t["again" .. i] = true end n = 0
for _ in pairs(t) do n = n + 1 end
print(n)
local objects = {}
for i = 1, 300 do local o = {} o["field" .. i] = i o.common = -i objects[i] = o end s = 0
for i, o in ipairs(objects) do s = s + o.common + o["field" .. i] end
print(s)
local mixed = {}
for i = 1, 100 do mixed[i], mixed[i + 0.5], mixed["s" .. i], mixed[-i] = 1, 2, 3, 4 end s = 0
for _, v in pairs(mixed) do s = s + v end
print(s) mixed[true], mixed[print], mixed[mixed] = 1, 2, 3
print(mixed[true], mixed[print], mixed[mixed], mixed[false])
