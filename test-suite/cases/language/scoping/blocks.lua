local x = 1 do local x = x + 1 print(x) do local x = x * 10 print(x) end print(x) end print(x)
for x = 5, 6 do local x = x * 2 io.write(x, " ") end print(x)
if true then local y = 1 end print(y) local function f(x) x = x + 1 return x end print(f(10), x)
local a, a = 1, 2
print(a)
local function g(b, b) return b end
print(g(1, 2))
repeat local z = 5 until z == 5
print(z)
