-- Successive over-relaxation on a grid: neighbouring array elements.
local rounds = tonumber((...)) or 60
local N = 100

local grid = {}
local seed = 42
for i = 1, N do
  local row = {}
  for j = 1, N do
    seed = (seed * 16807) % 2147483647
    row[j] = seed / 2147483647
  end
  grid[i] = row
end
local OMEGA = 1.25
for _ = 1, rounds do
  for i = 2, N - 1 do
    local above, row, below = grid[i - 1], grid[i], grid[i + 1]
    for j = 2, N - 1 do
      row[j] = OMEGA * 0.25 * (above[j] + below[j] + row[j - 1] + row[j + 1]) + (1 - OMEGA) * row[j]
    end
  end
end
local sum = 0
for i = 1, N do for j = 1, N do sum = sum + grid[i][j] end end
print(string.format("%.9f", sum))
