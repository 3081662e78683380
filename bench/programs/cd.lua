-- Collision detection: aircraft move, a grid of voxels finds candidates, vectors decide.
local frames = tonumber((...)) or 60
local AIRCRAFT, VOXEL, RADIUS = 100, 20, 1.5

local Vector = {}
Vector.__index = Vector
local function vector(x, y, z) return setmetatable({ x = x, y = y, z = z }, Vector) end
function Vector:plus(o) return vector(self.x + o.x, self.y + o.y, self.z + o.z) end
function Vector:minus(o) return vector(self.x - o.x, self.y - o.y, self.z - o.z) end
function Vector:times(s) return vector(self.x * s, self.y * s, self.z * s) end
function Vector:dot(o) return self.x * o.x + self.y * o.y + self.z * o.z end

local function position(i, t)
  return vector(
    100 + 60 * math.cos(t * 0.9 + i * 0.13) + i % 7,
    100 + 60 * math.sin(t * (i % 2 == 0 and 0.9 or -0.7) + i * 0.29),
    5 + i % 4 * 2
  )
end

-- The moment in [0, 1] at which two moving points are within the radius, if any.
local function meeting(a, b)
  local apart = a.from:minus(b.from)
  local drift = a.to:minus(a.from):minus(b.to:minus(b.from))
  local aa, bb = drift:dot(drift), 2 * apart:dot(drift)
  local cc = apart:dot(apart) - RADIUS * RADIUS
  if cc <= 0 then return 0 end
  if aa == 0 then return nil end
  local inside = bb * bb - 4 * aa * cc
  if inside < 0 then return nil end
  local t = (-bb - inside ^ 0.5) / (2 * aa)
  if t >= 0 and t <= 1 then return t end
  return nil
end

local function voxels_of(motion, visit)
  local x1, x2 = math.floor(math.min(motion.from.x, motion.to.x) / VOXEL), math.floor(math.max(motion.from.x, motion.to.x) / VOXEL)
  local y1, y2 = math.floor(math.min(motion.from.y, motion.to.y) / VOXEL), math.floor(math.max(motion.from.y, motion.to.y) / VOXEL)
  for x = x1 - 1, x2 + 1 do
    for y = y1 - 1, y2 + 1 do visit(x * 1024 + y) end
  end
end

local function step(previous, t)
  local current, grid = {}, {}
  for i = 1, AIRCRAFT do
    local p = position(i, t)
    current[i] = p
    local motion = { id = i, from = previous[i] or p, to = p }
    voxels_of(motion, function(key)
      local cell = grid[key]
      if cell then cell[#cell + 1] = motion else grid[key] = { motion } end
    end)
  end
  local seen, collisions, moments = {}, 0, 0
  for _, cell in pairs(grid) do
    for i = 1, #cell - 1 do
      local a = cell[i]
      for j = i + 1, #cell do
        local b = cell[j]
        local pair = a.id * 1024 + b.id
        if not seen[pair] then
          seen[pair] = true
          if meeting(a, b) then collisions = collisions + 1 moments = moments + pair % 997 end
        end
      end
    end
  end
  return current, collisions, moments
end

local previous, total, checksum = {}, 0, 0
for frame = 1, frames do
  local collisions, moments
  previous, collisions, moments = step(previous, frame / 10)
  total = total + collisions
  checksum = (checksum * 31 + collisions + moments) % 1000003
end
print(string.format("%d %d", total, checksum))
