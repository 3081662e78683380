-- Trees of arrays filled from a pseudo-random sequence: allocation and array growth.
local rounds = tonumber((...)) or 40

local seed, allocated
local function random()
  seed = (seed * 1309 + 13849) % 65536
  return seed
end
local function build(depth)
  allocated = allocated + 1
  local node = {}
  if depth == 1 then
    for i = 1, random() % 10 + 1 do node[i] = false end
    return node
  end
  for i = 1, 4 do node[i] = build(depth - 1) end
  return node
end
local total = 0
for _ = 1, rounds do
  seed, allocated = 74755, 0
  build(7)
  total = total + allocated
end
print(string.format("%d", total))
