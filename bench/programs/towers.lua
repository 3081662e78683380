-- The towers of Hanoi with discs as linked objects on three piles.
local discs = tonumber((...)) or 15

local piles, moves = {}, 0
local function push(disc, pile)
  local top = piles[pile]
  if top and disc.size >= top.size then error("a larger disc on a smaller one") end
  disc.below = top
  piles[pile] = disc
end
local function pop(pile)
  local top = piles[pile]
  if not top then error("an empty pile") end
  piles[pile] = top.below
  top.below = nil
  return top
end
local function move(count, from, to)
  if count == 1 then
    push(pop(from), to)
    moves = moves + 1
    return
  end
  local other = 6 - from - to
  move(count - 1, from, other)
  move(1, from, to)
  move(count - 1, other, to)
end
for size = discs, 1, -1 do push({ size = size }, 1) end
move(discs, 1, 2)
local height, top = 0, piles[2]
while top do height = height + 1 top = top.below end
print(string.format("%d %d", moves, height))
