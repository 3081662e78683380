-- Counting substrings of a generated sequence: string.sub and string keys.
local length = tonumber((...)) or 60000

local letters, seed = { "A", "C", "G", "T" }, 42
local parts = {}
for i = 1, length do
  seed = (seed * 3877 + 29573) % 139968
  parts[i] = letters[math.floor(seed / 139968 * 4) + 1]
end
local sequence = table.concat(parts)

local function count(size)
  local counts = {}
  for i = 1, #sequence - size + 1 do
    local key = sequence:sub(i, i + size - 1)
    counts[key] = (counts[key] or 0) + 1
  end
  return counts
end

for size = 1, 2 do
  local counts, keys = count(size), {}
  for key in pairs(counts) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b)
    if counts[a] ~= counts[b] then return counts[a] > counts[b] end
    return a < b
  end)
  for _, key in ipairs(keys) do
    print(string.format("%s %.3f", key, counts[key] * 100 / (#sequence - size + 1)))
  end
end
for _, wanted in ipairs { "GGT", "GGTA", "GGTATT", "GGTATTTTAATT" } do
  print(string.format("%d %s", count(#wanted)[wanted] or 0, wanted))
end
