-- Integers and floats mixed in hot loops: keys, comparisons, loops whose values change type.
local t = {}
for i = 1, 100 do t[i] = i end
local sum, missing = 0, 0
for i = 1, 300 do
  local key = i / 2
  local v = t[key]
  if v then sum = sum + v else missing = missing + 1 end
end
print(sum, missing, t[1.0], t[-0.0], t[2 ^ 53], t[1e308], t[0 / 0])
for i = 1, 200 do t[i + 0.0] = i * 2 end
print(#t, t[200], next({ [3.0] = true }), math.type(next({ [3.0] = true })))
for _ = 1, 100 do
  local ok, message = pcall(function() t[0 / 0] = 1 end)
  assert(not ok)
  sum = message
end
print((sum:gsub("^.-:", "")))

local function compare(a, b)
  return (a < b and "<" or "") .. (a <= b and "<=" or "") .. (a == b and "==" or "") ..
    (a > b and ">" or "") .. (a >= b and ">=" or "") .. (a ~= b and "~=" or "")
end
local values = { 0, -0.0, 1, 1.5, 2 ^ 53, 2 ^ 53 | 0, (2 ^ 53 | 0) + 1, 2 ^ 63, -2 ^ 63,
  math.maxinteger, math.mininteger, math.maxinteger - 1, 1 / 0, -1 / 0, 0 / 0 }
local lines = {}
for round = 1, 20 do
  for i, a in ipairs(values) do
    local line = {}
    for j, b in ipairs(values) do line[j] = compare(a, b) end
    lines[i] = table.concat(line, " ")
  end
end
print(table.concat(lines, "\n"))

-- The same loops with integers, then floats, then both.
local function accumulate(list, scale)
  local total = 0
  for i = 1, #list do total = total + list[i] * scale end
  return total
end
local integers, floats, both = {}, {}, {}
for i = 1, 100 do
  integers[i], floats[i] = i, i + 0.5
  both[i] = i % 3 == 0 and i or i / 4
end
for _ = 1, 30 do
  for _, list in ipairs({ integers, floats, both }) do
    for _, scale in ipairs({ 2, 0.5 }) do sum = accumulate(list, scale) end
  end
end
print(accumulate(integers, 2), accumulate(integers, 0.5), accumulate(floats, 2),
  accumulate(floats, 0.5), accumulate(both, 2), accumulate(both, 0.5))

-- Powers.
local powers = {}
for i = 1, 100 do
  local x = i % 4 == 0 and i or i / 3
  powers[#powers % 12 + 1] = string.format("%.6g %.6g %.6g", x ^ 2, x ^ 0.5, 2 ^ (i % 9))
end
print(table.concat(powers, "|"), (-2) ^ 2, (-2.0) ^ 2, (-8) ^ (1 / 3) ~= (-8) ^ (1 / 3))

-- Inner loops with one round, with none, and with many.
local inner = 0
for round = 1, 60 do
  for n = 0, 3 do
    for i = 1, n do inner = inner + t[i] end
  end
  for i = round, 100, 50 do inner = inner + t[i] end
end
print(inner)

-- remainders by powers of two, of numbers that traces take a shorter way for, and of those that not
do
  local function sums(list, divisor)
    local out = {}
    for n = 1, 60 do
      local x = list[n % #list + 1]
      if divisor == 2 then out[n] = x % 2
      elseif divisor == 0.25 then out[n] = x % 0.25
      else out[n] = x % divisor end
    end
    return out
  end
  local lists = {
    { 0.0, -0.0, 1.0, 2.5, 1e15 + 0.5 },
    { 3.75, 9007199254740993.0, 1e17, 5e-324 },
    { 7.5, -7.5, -2.0, 1e300, -1e300 },
    { 1.5, math.huge, 0 / 0, -math.huge },
  }
  for _, list in ipairs(lists) do
    for _, divisor in ipairs { 2, 0.25, -2.0, 3.0 } do
      local out = sums(list, divisor)
      local text = {}
      for n = 1, 10 do text[n] = string.format("%a", out[n]):gsub("%-nan", "nan") end
      print(divisor, table.concat(text, " "))
    end
  end
end

-- integers of more than 32 bits compared with floats
do
  local count = 0
  for i = 2^31 - 20 | 0, 2^31 + 20 | 0 do
    if i < 2147483648.5 then count = count + 1 end
    if -i <= -2147483648.0 then count = count + 100 end
  end
  print(count)
  for i = math.maxinteger - 40, math.maxinteger - 1 do
    if i < 9223372036854775807.0 then count = count + 1 end
    if i >= 2^53 then count = count + 1 end
  end
  print(count)
end
