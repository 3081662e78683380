local width, height = 20, 10
local cells = {}
for y = 0, height - 1 do cells[y] = {} for x = 0, width - 1 do cells[y][x] = 0 end end
for _, p in ipairs{{1, 0}, {2, 1}, {0, 2}, {1, 2}, {2, 2}} do cells[p[2]][p[1]] = 1 end
local function step(old)
  local new = {}
  for y = 0, height - 1 do
    new[y] = {}
    for x = 0, width - 1 do
      local n = -old[y][x]
      for dy = -1, 1 do for dx = -1, 1 do n = n + old[(y + dy) % height][(x + dx) % width] end end
      new[y][x] = (n == 3 or n == 2 and old[y][x] == 1) and 1 or 0
    end
  end
  return new
end
for _ = 1, 12 do cells = step(cells) end
for y = 0, height - 1 do local row = {} for x = 0, width - 1 do row[#row + 1] = cells[y][x] == 1 and "#" or "." end print(table.concat(row)) end
