local t = {}
local i = 1
i, t[i] = i + 1, 20
print(i, t[1], t[2])
local a, b, c = 1, 2, 3
a, b, c = c, a, b print(a, b, c)
do local x, y = {}, {} local p = x x.n, p = 1, y print(x.n, p == y) end
local log = {}
local function k(n) log[#log + 1] = n return n end
local tt = {}
tt[k(1)], tt[k(2)] = k(3), k(4)
print(table.concat(log, " "), tt[1], tt[2])
local function f() local x <const> = 5 return x end print(f())
