-- All placements of queens: recursion over boolean arrays.
local n = tonumber((...)) or 9

local columns, rising, falling = {}, {}, {}
for i = 1, n do columns[i] = true end
for i = 1, 2 * n do rising[i], falling[i] = true, true end
local solutions, checksum = 0, 0
local rows = {}

local function place(row)
  if row > n then
    solutions = solutions + 1
    for i = 1, n do checksum = (checksum * 7 + rows[i]) % 1000003 end
    return
  end
  for c = 1, n do
    local r, f = row + c, row - c + n
    if columns[c] and rising[r] and falling[f] then
      columns[c], rising[r], falling[f] = false, false, false
      rows[row] = c
      place(row + 1)
      columns[c], rising[r], falling[f] = true, true, true
    end
  end
end

place(1)
print(string.format("%d %d", solutions, checksum))
