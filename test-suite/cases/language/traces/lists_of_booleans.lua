-- Booleans stored over booleans, over other values, and other values over them.

local function fill(n, value)
  local t = {}
  for i = 1, n do t[i] = value end
  return t
end

local function count(t)
  local counts = {}
  for i = 1, #t do
    local key = tostring(t[i])
    counts[key] = (counts[key] or 0) + 1
  end
  local keys = {}
  for key in pairs(counts) do keys[#keys + 1] = key end
  table.sort(keys)
  for i, key in ipairs(keys) do keys[i] = key .. "=" .. counts[key] end
  return table.concat(keys, " ")
end

-- All of them are booleans.
local t = fill(200, true)
for step = 2, 20 do
  for i = step, #t, step do t[i] = false end
end
print(count(t))
for i = 1, #t do t[i] = not t[i] end
print(count(t))

-- One of them is something else: what is stored over it must be whole.
for _, other in ipairs { 7, 0.5, "string", -1, 2^53, -0.0, 1e308 } do
  local t = fill(100, false)
  t[90] = other
  for round = 1, 3 do
    for i = 1, #t do t[i] = round % 2 == 1 end
  end
  print(count(t), t[90] == t[1], rawequal(t[90], true), t[90] == other)
  local keys = {}
  for i = 1, #t do keys[t[i]] = i end
  print(next(keys), next(keys, next(keys)))
end

-- And the other way round.
for _, other in ipairs { 7, 0.5, "string" } do
  local t = fill(100, true)
  for i = 1, #t do t[i] = i > 80 and other or false end
  print(count(t), t[80] == false, t[81] == other)
  for i = 1, #t do t[i] = t[i] == other end
  print(count(t), t[80] == false, t[81] == true)
end

-- Nil is none of them.
local t, calls = fill(100, true), 0
setmetatable(t, { __newindex = function(t, k, v) calls = calls + 1 rawset(t, k, v) end })
t[60] = nil
for i = 1, 100 do t[i] = false end
print(calls, t[60], count(t))

-- What is stored is read again, in the same round and the next one.
local t, sum = fill(64, false), 0
for i = 2, 64 do
  t[i] = not t[i - 1]
  if t[i] then sum = sum + i end
  t[i - 1] = t[i]
  if t[i - 1] ~= t[i] then sum = -1 break end
end
print(sum, count(t))

-- Lists that only the trace sees.
local n = 0
for i = 1, 200 do
  local flags = { false, true, i % 3 == 0 }
  flags[1] = not flags[3]
  flags[2] = flags[1] and flags[3]
  if flags[1] then n = n + 1 end
  if flags[2] then n = n + 1000 end
  if i == 150 then print(flags[1], flags[2], flags[3]) end
end
print(n)
