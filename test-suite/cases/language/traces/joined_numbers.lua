-- Concatenations of strings and numbers in loops: which of them are numbers, and of which kind, may
-- change from one round to the next, and what they are joined to may grow long.
local function last(count, join)
  local text
  for i = 1, count do text = join(i) end
  return text
end

print(last(200, function(i) return "<" .. i .. ">" end))
print(last(200, function(i) return "<" .. -i .. ">" end))
print(last(200, function(i) return "<" .. i / 4 .. ">" end))
print(last(200, function(i) return i .. i end))
print(last(200, function(i) return i .. "/" .. i + 1 end))
print(last(200, function(i) return i .. "/" .. i / 8 end))
print(last(200, function(i) return i / 8 .. "" .. i end))
print(last(200, function(i) return "n" .. i / 2 end))
print(last(200, function(i) return i // 3 .. "n" end))
print(last(200, function(i) return (i << 57) .. "|" .. (i << 56) end))
print(last(200, function(i) return "a" .. math.mininteger + i .. "z" end))
print(last(200, function(i) return "a" .. 2 ^ i .. "z" end))
print(last(200, function(i) return "a" .. 0 / (i - 300) .. "z" end))

-- The kind changes.
local values = {1, 1.5, "one", -0.0, 1e100, math.maxinteger, "", 3}
for round = 1, 3 do
  local parts = {}
  for i = 1, 160 do
    local v, w = values[i // 20 % 8 + 1], values[i % 8 + 1]
    parts[#parts + 1] = "[" .. v .. "]"
    parts[#parts + 1] = v .. w
    parts[#parts + 1] = w .. ":" .. v
  end
  local all = table.concat(parts)
  print(#all, all:sub(-60))
end

-- Something in between that joins in a way of its own, or not at all.
local own = setmetatable({}, {
  __concat = function(a, b)
    return (type(a) == "table" and "own" or a) .. "+" .. (type(b) == "table" and "own" or b)
  end,
})
for i = 1, 150 do
  local v = i == 120 and own or i
  local text = "x" .. v .. "y"
  if i % 60 == 0 then print(text) end
end
print(pcall(function()
  for i = 1, 150 do
    local v = i
    if i == 140 then v = nil end
    local text = "x" .. v .. "y"
  end
end))

-- Long strings, and many that are garbage at once.
local long = ("abc"):rep(40)
local length = 0
for i = 1, 20000 do
  local text = long .. i .. long
  length = length + #text
end
print(length)
