local function map(t, f) local r = {} for i, v in ipairs(t) do r[i] = f(v) end return r end
local function filter(t, f) local r = {} for _, v in ipairs(t) do if f(v) then r[#r + 1] = v end end return r end
local function fold(t, f, a) for _, v in ipairs(t) do a = f(a, v) end return a end
local function range(a, b) local r = {} for i = a, b do r[#r + 1] = i end return r end
print(table.concat(map(filter(range(1, 20), function(x) return x % 3 == 0 end), function(x) return x * x end), " "), fold(range(1, 10), function(a, b) return a * b end, 1))
local function compose(...) local fs = {...} return function(...) local r = table.pack(...) for i = #fs, 1, -1 do r = table.pack(fs[i](table.unpack(r, 1, r.n))) end return table.unpack(r, 1, r.n) end end
print(compose(function(x) return x + 1 end, function(x, y) return x * y end)(3, 4))
local function curry(f, n) n = n or 2 local function go(args, k) return function(x) local a = {table.unpack(args)} a[#a + 1] = x if k == 1 then return f(table.unpack(a)) end return go(a, k - 1) end end return go({}, n) end
print(curry(function(a, b, c) return a .. b .. c end, 3)(1)(2)(3))
local memo = setmetatable({}, {__mode = "k"})
local function memoize(f) local cache = {} return function(n) local v = cache[n] if v == nil then v = f(n) cache[n] = v end return v end end
local fib fib = memoize(function(n) return n < 2 and n or fib(n - 1) + fib(n - 2) end)
print(fib(80))
