local function permutations(a, n) n = n or #a if n <= 1 then coroutine.yield(table.concat(a, "")) else for i = 1, n do a[n], a[i] = a[i], a[n] permutations(a, n - 1) a[n], a[i] = a[i], a[n] end end end
for p in coroutine.wrap(function() permutations{"a", "b", "c"} end) do io.write(p, " ") end print()
local function filter(p, g) return coroutine.wrap(function() for n in g do if n % p ~= 0 then coroutine.yield(n) end end end) end
local g = coroutine.wrap(function() for i = 2, 60 do coroutine.yield(i) end end)
while true do local n = g() if not n then break end io.write(n, " ") g = filter(n, g) end print()
local function producer() return coroutine.create(function() for _, v in ipairs{"x", "y"} do coroutine.yield(v) end return nil end) end
local p = producer()
while true do local _, v = coroutine.resume(p) if not v then break end io.write(v, " ") end
print()
local function tree(t) if t then tree(t[1]) coroutine.yield(t[2]) tree(t[3]) end end
for v in coroutine.wrap(function() tree{{nil, 1, nil}, 2, {{nil, 3}, 4}} end) do io.write(v, " ") end
print()
