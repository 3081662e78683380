local function counter() local n = 0 return function() n = n + 1 return n end, function() n = n - 1 return n end, function() return n end end
local up, down, get = counter() up() up() up() down() print(get())
local up2, _, get2 = counter() up2() print(get2(), get())
local function nest(a) return function(b) return function(c) a = a + 1 b = b + 1 c = c + 1 return a, b, c end end end
local f = nest(1)(10) print(f(100)) print(f(100))
local x = 1
local function show() return x end x = 2
print(show()) do local x = 3 print(show(), x) end
local t = {}
for i = 1, 3 do t[i] = function(v) if v then i = v end return i end end t[1](9)
print(t[1](), t[2](), t[3]())
