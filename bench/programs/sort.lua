-- table.sort with and without a comparator.
local n = tonumber((...)) or 30000

local function numbers(seed)
  local list = {}
  for i = 1, n do
    seed = (seed * 16807) % 2147483647
    list[i] = seed % 100000
  end
  return list
end

local plain = numbers(1)
table.sort(plain)
local downwards = numbers(2)
table.sort(downwards, function(a, b) return a > b end)
local records = {}
for i, value in ipairs(numbers(3)) do records[i] = { key = value, name = "r" .. i } end
table.sort(records, function(a, b)
  if a.key ~= b.key then return a.key < b.key end
  return a.name < b.name
end)
local words = {}
for i = 1, n / 3 do words[i] = records[i].name end
table.sort(words)
local checksum = 0
for i = 1, n, 7 do checksum = (checksum * 31 + plain[i] + downwards[i] + records[i].key) % 1000003 end
print(string.format("%d %s %s", checksum, words[1], words[#words]))
