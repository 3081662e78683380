local t = {}
for i = 1, 1000 do t[i] = i end
print(#t, t[1000], t[1001])
for i = 1000, 501, -1 do t[i] = nil end
print(#t)
for i = 501, 600 do t[#t + 1] = i end
print(#t, t[600])
local u = {n = 1, [0] = "zero", 10, 20, [-1] = "minus"}
print(#u, u[0], u[-1]) u[#u + 1] = 30
print(#u, u[3])
local r = {}
for i = 100, 1, -1 do r[i] = i end
print(#r)
local s = 0
for _, v in ipairs(r) do s = s + v end
print(s)
local sparse = {} sparse[1], sparse[2], sparse[1000000] = 1, 2, 3
print(#sparse == 2 or #sparse == 1000000)
local count = 0
for _ in pairs(sparse) do count = count + 1 end
print(count)
local d = table.pack(table.unpack({}, 1, 50))
print(d.n, #d == 0)
