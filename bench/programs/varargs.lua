-- Functions of any number of arguments: select, table.pack's work, forwarding.
local n = tonumber((...)) or 60000
local unpack = table.unpack or unpack

local function count(...) return select("#", ...) end
local function total(...)
  local sum = 0
  for i = 1, select("#", ...) do sum = sum + (select(i, ...)) end
  return sum
end
local function packed(...)
  local list, sum = { ... }, 0
  for i = 1, #list do sum = sum + list[i] end
  return sum
end
local function forward(f, ...) return f(...) end
local function rest(first, ...) if first == nil then return 0 end return first + rest(...) end

local result = 0
local list = { 1, 2, 3, 4, 5, 6 }
for i = 1, n do
  result = result + count(i, i, i) + total(i, 2, 3) + packed(1, i, 3, 4)
  result = result + forward(total, i, 1) + forward(packed, unpack(list)) + rest(i, 2, 3)
  result = result % 1000003
end
print(string.format("%d", result))
