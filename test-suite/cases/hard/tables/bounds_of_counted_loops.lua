-- Loops that count over arrays: ranges that end inside, at and beyond the array's end, that start
-- before it, that run backwards, and arrays that grow or are replaced while a loop runs.
local function fill(n)
  local t = {}
  for i = 1, n do t[i] = i * 3 end
  return t
end

local function sum(t, from, to, step)
  local s, misses = 0, 0
  for i = from, to, step or 1 do
    local v = t[i]
    if v then s = s + v else misses = misses + 1 end
  end
  return s, misses
end

local t = fill(40)
for round = 1, 30 do
  sum(t, 1, 40)
  sum(t, 40, 1, -1)
end
print(sum(t, 1, 40))
print(sum(t, 40, 1, -1))
print(sum(t, 1, 100))
print(sum(t, -20, 20))
print(sum(t, 20, -20, -1))
print(sum(t, 0, 41))
print(sum(t, 41, 0, -1))
print(sum(t, 1, 0))
print(sum(t, 1, 40, 2))
print(sum(t, 40, 1, -3))
print(sum(t, math.maxinteger - 30, math.maxinteger))
print(sum(t, math.mininteger + 30, math.mininteger, -1))
print(sum(t, math.mininteger, math.mininteger + 30))

-- Ends of the range that move: the same loop, other arrays.
for n = 0, 60, 7 do print(n, sum(fill(n), 1, 30)) end

-- Neighbours.
local function smooth(t, n)
  local s = 0
  for i = 2, n - 1 do s = s + (t[i - 1] or -1) + t[i] + (t[i + 1] or -1) end
  return s
end
for n = 30, 40 do print(n, smooth(t, n)) end
print(pcall(smooth, t, 45))

-- The array grows while the loop runs over it.
local grown = fill(10)
for i = 1, 200 do
  if not grown[i] then break end
  if i <= 100 then grown[#grown + 1] = i end
end
print(#grown, sum(grown, 1, #grown))

-- It is replaced by a shorter one, or emptied from its end.
local short, seen = fill(50), 0
for i = 1, 80 do
  if i == 70 then short = { 1, 2, 3 } end
  if short[i] then seen = seen + 1 end
  short[51 - i] = nil
end
print(seen, #short)

-- The loop's range is far beyond the array each time, and left early.
local found = 0
for round = 1, 60 do
  for i = 1, 1000 do
    local v = t[i]
    if not v then break end
    found = found + v
  end
end
print(found)

-- Stores within the array and just behind it.
local function clear(t, from, to)
  for i = from, to do t[i] = 0 end
end
local u = fill(30)
for round = 1, 20 do clear(u, 1, 30) end
clear(u, 5, 34)
print(#u, sum(u, 1, 40))

-- Steps that are the same in all rounds, but not known: small, large, negative, beyond all ends.
for _, step in ipairs { 1, 2, 3, 7, 39, 40, 1 << 31, 1 << 32, 1 << 62, math.maxinteger } do
  for round = 1, 4 do
    for _, from in ipairs { 1, 2, 39, 40, 0, -3 } do sum(t, from, 40, step) end
  end
  print(step, sum(t, 1, 40, step))
  print(-step, sum(t, 40, 1, -step))
  print(step, sum(t, 1, 1 << 33, math.max(step, 1 << 28)))
end

-- Two names of one object, and of one captured variable: what the loop writes is what it reads.
local function add(a, b, n)
  for i = 1, n do a.x = a.x + b.x % 7 + 1 end
  return a.x
end
local one, two = { x = 1 }, { x = 2 }
for round = 1, 5 do print(add(one, two, 100), add(one, one, 100), add(two, one, 50)) end

local function counters()
  local c, d = 0, 10
  local function f(n) for i = 1, n do c = c + d % 5 + 1 end return c end
  local function g(n) for i = 1, n do d = d + c % 3 + 1 end return d end
  return f, g
end
local f, g = counters()
for round = 1, 4 do print(f(80), g(80)) end
debug.upvaluejoin(f, 2, f, 1)
for round = 1, 4 do print(f(80), g(80)) end
