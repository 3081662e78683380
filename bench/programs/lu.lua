-- LU factorisation with pivoting: arrays of float arrays.
local n = tonumber((...)) or 120

local function matrix(seed)
  local rows = {}
  for i = 1, n do
    local row = {}
    for j = 1, n do
      seed = (seed * 16807) % 2147483647
      row[j] = seed / 2147483647
    end
    rows[i] = row
  end
  return rows
end

local function factor(a)
  local sign = 1
  for k = 1, n do
    local pivot = k
    for i = k + 1, n do
      if math.abs(a[i][k]) > math.abs(a[pivot][k]) then pivot = i end
    end
    if pivot ~= k then a[k], a[pivot] = a[pivot], a[k] sign = -sign end
    local top = a[k]
    local inverse = 1 / top[k]
    for i = k + 1, n do
      local row = a[i]
      local f = row[k] * inverse
      row[k] = f
      for j = k + 1, n do row[j] = row[j] - f * top[j] end
    end
  end
  return sign
end

local total = 0
for round = 1, 5 do
  local a = matrix(round * 101)
  local log = factor(a)
  for i = 1, n do log = log + math.log(math.abs(a[i][i])) end
  total = total + log
end
print(string.format("%.6f", total))
