-- Functions made and called by functions: upvalues, higher-order loops.
local n = tonumber((...)) or 200000

local function counter(step)
  local value = 0
  return function() value = value + step return value end
end
local function compose(f, g) return function(x) return f(g(x)) end end
local function map(list, f) local out = {} for i = 1, #list do out[i] = f(list[i]) end return out end
local function fold(list, f, start) for i = 1, #list do start = f(start, list[i]) end return start end

local sum = 0
local one, two = counter(1), counter(2)
for _ = 1, n do sum = sum + one() + two() end
local add = function(k) return function(x) return (x + k) % 1009 end end
local chain = add(1)
for i = 2, 8 do chain = compose(chain, add(i)) end
for i = 1, n / 10 do sum = sum + chain(i) end
local list = {}
for i = 1, 100 do list[i] = i end
for round = 1, n / 500 do
  sum = sum + fold(map(list, function(x) return x * round % 11 end), function(a, b) return a + b end, 0)
end
for i = 1, n do
  local f = function() return i end
  if f() % 2 == 0 then sum = sum + 1 end
end
print(string.format("%d", sum))
