-- A small ray tracer: vectors with metamethods, spheres with methods.
local size = tonumber((...)) or 90

local Vector = {}
Vector.__index = Vector
local function vector(x, y, z) return setmetatable({ x = x, y = y, z = z }, Vector) end
Vector.__add = function(a, b) return vector(a.x + b.x, a.y + b.y, a.z + b.z) end
Vector.__sub = function(a, b) return vector(a.x - b.x, a.y - b.y, a.z - b.z) end
Vector.__mul = function(a, s) return vector(a.x * s, a.y * s, a.z * s) end
Vector.__unm = function(a) return vector(-a.x, -a.y, -a.z) end
function Vector.dot(a, b) return a.x * b.x + a.y * b.y + a.z * b.z end
function Vector.unit(a) return a * (1 / a:dot(a) ^ 0.5) end

local Sphere = {}
Sphere.__index = Sphere
local function sphere(center, radius, shade, mirror)
  return setmetatable({ center = center, radius = radius, shade = shade, mirror = mirror }, Sphere)
end
function Sphere:hit(origin, direction)
  local to = self.center - origin
  local along = to:dot(direction)
  local gap = along * along - to:dot(to) + self.radius * self.radius
  if gap < 0 then return nil end
  local root = gap ^ 0.5
  if along - root > 1e-6 then return along - root end
  if along + root > 1e-6 then return along + root end
  return nil
end

local scene = {
  sphere(vector(0, -1000, 0), 999, 0.5, 0),
  sphere(vector(-1.2, 0, 4), 1, 0.9, 0.3),
  sphere(vector(1.2, 0.2, 5), 1.2, 0.7, 0.5),
  sphere(vector(0.2, 1.6, 6), 0.8, 0.8, 0),
  sphere(vector(0.3, -0.7, 2.5), 0.3, 1, 0.1),
}
local light = vector(-3, 5, -2)

local function nearest(origin, direction)
  local best, object
  for _, s in ipairs(scene) do
    local t = s:hit(origin, direction)
    if t and (not best or t < best) then best, object = t, s end
  end
  return best, object
end

local function trace(origin, direction, depth)
  local t, object = nearest(origin, direction)
  if not t then return 0.2 + 0.3 * (direction.y + 1) * 0.5 end
  local point = origin + direction * t
  local normal = (point - object.center):unit()
  local to_light = (light - point):unit()
  local brightness = 0.1
  if not nearest(point, to_light) then
    local facing = normal:dot(to_light)
    if facing > 0 then brightness = brightness + facing * object.shade end
  end
  if object.mirror > 0 and depth > 0 then
    local reflected = direction - normal * (2 * normal:dot(direction))
    brightness = brightness * (1 - object.mirror) + object.mirror * trace(point, reflected, depth - 1)
  end
  return brightness
end

local sum, checksum = 0, 0
for y = 1, size do
  for x = 1, size do
    local direction = vector((x - size / 2) / size, (size / 2 - y) / size, 1):unit()
    local b = trace(vector(0, 0.3, -1), direction, 3)
    sum = sum + b
    checksum = (checksum * 31 + math.floor(b * 100)) % 1000003
  end
end
print(string.format("%.6f %d", sum, checksum))
