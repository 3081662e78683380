local t = {1, 2, 3}
t[2] = nil t[3] = nil t[3] = 3 t[2] = 2
print(#t)
local u = {}
u[3], u[2], u[1] = 3, 2, 1
print(#u)
local v = {n = 1}
for i = 10, 1, -1 do v[i] = i end
print(#v)
for i = 10, 5, -1 do v[i] = nil end
print(#v)
v[#v + 1] = "x" print(#v, v[5])
local w = {nil, nil, 3}
local n = #w
print((n == 0 or w[n] ~= nil) and w[n + 1] == nil)
