-- Accesses by keys of all kinds in hot loops: present, absent, new, removed, inherited, refused.

-- Strings as keys of a map that grows, and of one with few.
local words = {}
for i = 1, 120 do words[i] = "w" .. i % 90 end
local counts, few = {}, {}
for round = 1, 20 do
  for i = 1, #words do
    local w = words[i]
    counts[w] = (counts[w] or 0) + 1
    local f = words[i % 4 + 1]
    few[f] = (few[f] or 0) + i
  end
end
local total, names = 0, {}
for k, v in pairs(counts) do total = total + v; names[#names + 1] = k end
table.sort(names)
print(total, #names, names[1], names[#names], counts.w1, counts.w89, few.w1, few.w4)

-- Sparse and negative integers, floats, booleans, tables, functions.
local keys = { 1000000, -3, 2.5, true, false, print, {}, 1 << 40, 0, math.huge, "s" }
local map = {}
for i = 1, 400 do
  local k = keys[i % #keys + 1]
  local old = map[k]
  if old == nil then map[k] = i elseif i % 7 == 0 then map[k] = nil else map[k] = old + 1.5 end
end
local sum = 0
for i = 1, #keys do sum = sum + (map[keys[i]] or 0) end
print(sum)

-- A grid by numbers of cells, and a queue whose start moves.
local grid = {}
for x = 0, 15 do for y = 0, 15 do grid[x * 1000 + y] = x ~ y end end
local cells = 0
for n = 1, 30 do
  for x = 0, 15 do
    local c = grid[x * 1000 + n % 16]
    if c and grid[x * 1000 + 16] == nil then cells = cells + c end
  end
end
print(cells)
local queue, first, last = {}, 1, 0
for i = 1, 500 do
  last = last + 1
  queue[last] = i
  if i % 3 == 0 then
    queue[first] = nil
    first = first + 1
  end
end
print(first, last, queue[first], queue[last], queue[first - 1])

-- Metamethods for keys that are not there.
local asked, refused = 0, 0
local proxy = setmetatable({}, {
  __index = function(t, k) asked = asked + 1; return k end,
  __newindex = function(t, k, v) refused = refused + 1; if k % 2 == 0 then rawset(t, k, v) end end,
})
for i = 1, 300 do
  local k = i % 50 * 1000
  local v = proxy[k]
  proxy[k + 1] = v
  proxy[k] = v
end
print(asked, refused)
local base = { [-1] = "minus", [1 << 50] = "large" }
local derived = setmetatable({}, { __index = base })
local hits = 0
for i = 1, 200 do
  if derived[-1] == "minus" then hits = hits + 1 end
  if derived[i * 77777] == nil then hits = hits + 1 end
  if i == 150 then derived[-1] = "own" end
end
print(hits)

-- Errors: nil and NaN as keys, also in the middle of a loop.
local function store(t, k) t[k] = 1 end
for i = 1, 200 do
  local k = i
  if i == 150 then k = nil elseif i == 180 then k = 0 / 0 end
  local ok, message = pcall(store, map, k)
  if not ok then print(i, message) end
end
local nothing = 0
for i = 1, 200 do
  local k = i % 2 == 0 and nil or 0 / 0
  if map[k] == nil then nothing = nothing + 1 end
end
print(nothing)

-- Weak tables and keys that die.
local weak = setmetatable({}, { __mode = "k" })
local strong = {}
for i = 1, 300 do
  local key = { i }
  weak[key] = i
  if i % 10 == 0 then strong[#strong + 1] = key end
  if i % 100 == 0 then collectgarbage() end
end
collectgarbage()
local alive = 0
for k, v in pairs(weak) do alive = alive + 1; assert(k[1] == v) end
print(alive, #strong)
