-- Sparse matrix times vector, compressed rows: indices read from arrays.
local rounds = tonumber((...)) or 150
local N, PER_ROW = 1000, 5

local value, column, first = {}, {}, {}
local at = 1
for row = 1, N do
  first[row] = at
  for k = 0, PER_ROW - 1 do
    column[at] = (row * 7 + k * 131) % N + 1
    value[at] = 1 / (row + k)
    at = at + 1
  end
end
first[N + 1] = at
local x, y = {}, {}
for i = 1, N do x[i], y[i] = 1 / i, 0 end
for _ = 1, rounds do
  for row = 1, N do
    local sum = 0
    for k = first[row], first[row + 1] - 1 do sum = sum + x[column[k]] * value[k] end
    y[row] = sum
  end
end
local total = 0
for i = 1, N do total = total + y[i] end
print(string.format("%.9f", total))
