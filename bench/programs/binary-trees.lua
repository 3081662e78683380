-- Trees are built and dropped: allocation and collection of small tables.
local depth = tonumber((...)) or 12

local function build(d)
  if d == 0 then return {} end
  return { left = build(d - 1), right = build(d - 1) }
end

local function count(tree)
  if not tree.left then return 1 end
  return 1 + count(tree.left) + count(tree.right)
end

local long_lived = build(depth)
for d = 4, depth, 4 do
  local rounds, total = 2 ^ (depth - d + 4), 0
  for _ = 1, rounds do total = total + count(build(d)) end
  print(string.format("%d trees of depth %d: %d", rounds, d, total))
end
print(string.format("long lived: %d", count(long_lived)))
