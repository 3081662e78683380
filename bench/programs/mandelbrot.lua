-- Points of the Mandelbrot set: pure float loops with an early exit.
local size = tonumber((...)) or 160

local inside, checksum = 0, 0
for y = 0, size - 1 do
  local ci = 2.0 * y / size - 1.0
  for x = 0, size - 1 do
    local cr = 2.0 * x / size - 1.5
    local zr, zi, zr2, zi2 = 0.0, 0.0, 0.0, 0.0
    local left = 50
    while left > 0 and zr2 + zi2 <= 4.0 do
      zi = 2.0 * zr * zi + ci
      zr = zr2 - zi2 + cr
      zr2, zi2 = zr * zr, zi * zi
      left = left - 1
    end
    if left == 0 then inside = inside + 1 end
    checksum = (checksum * 31 + left) % 1000003
  end
end
print(string.format("%d %d", inside, checksum))
