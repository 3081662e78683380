-- Functions of several results, called from several places that want other numbers of them.

local function two(a) return a, a + 1 end
local function three(a) return a, a + 1, a + 2 end
local function none() return end
local function pick(n)
  if n % 3 == 0 then return n, "third" end
  if n % 5 == 0 then return n end
  if n % 7 == 0 then return end
  return n, n * 2, n * 3
end

local sum = 0
for i = 1, 200 do
  local a, b = two(i)
  local c, d, e, f = three(b)
  local g, h = none()
  sum = sum + a + b + c + d + e
  if f or g or h then print("too many") end
end
print(sum)

local count = { 0, 0, 0 }
for i = 1, 300 do
  local a, b, c, d = pick(i)
  if a then count[1] = count[1] + 1 end
  if b then count[2] = count[2] + 1 end
  if c then count[3] = count[3] + 1 end
  if d then print("four") end
end
print(table.concat(count, " "))

-- A loop within the function, which returns to two places from within it.
local function find(list, wanted)
  for i = 1, #list do
    if list[i] == wanted then return i, wanted end
  end
  return nil, wanted
end
local list = {}
for i = 1, 20 do list[i] = i * i end
local found, missed = 0, 0
for i = 1, 300 do
  local at, what = find(list, i)
  if at then found = found + at * what end
  local where = find(list, i + 1)
  if not where then missed = missed + 1 end
  find(list, 4)
end
print(found, missed)

-- Results that go to all of another call's arguments, varargs in between, tail calls.
local function all(...) return ... end
local function swap(a, b) return b, a end
local function tail(a, b) return swap(b, a) end
local text = {}
for i = 1, 120 do
  local a, b = all(swap(i, i + 1))
  local c, d, e = tail(a, b)
  if i % 40 == 0 then text[#text + 1] = a .. " " .. b .. " " .. c .. " " .. d .. " " .. tostring(e) end
  local n = select("#", swap(i, i))
  if n ~= 2 then print("select", n) end
end
print(table.concat(text, "; "))

-- Iterators with two results and more.
local function pairs_of(n)
  local function next(n, i)
    if i < n then return i + 1, i * i, -i end
  end
  return next, n, 0
end
local total = 0
for i = 1, 30 do
  for k, square in pairs_of(10) do total = total + k * square end
  for k, square, minus, nothing in pairs_of(5) do total = total + minus + (nothing and 1 or 0) end
end
print(total)

-- Coroutines whose functions return several results.
local results = {}
for i = 1, 80 do
  local co = coroutine.wrap(function(a) local b = coroutine.yield(a, a + 1) return b, b + 1, b + 2 end)
  local a, b = co(i)
  local c, d, e = co(b)
  results[i % 4 + 1] = a + b + c + d + e
end
print(table.concat(results, " "))

-- Metamethods that return more than is wanted.
local meta = { __add = function(a, b) return 5, 6 end, __index = function(t, k) return k, k end }
local object = setmetatable({}, meta)
local n = 0
for i = 1, 150 do n = n + (object + i) + object[i] end
print(n)
