-- All permutations by swapping: recursion through a method and its fields.
local size = tonumber((...)) or 8

local Permuter = {}
Permuter.__index = Permuter
function Permuter:swap(i, j)
  local v = self.values
  v[i], v[j] = v[j], v[i]
end
function Permuter:permute(n)
  self.count = self.count + 1
  if n == 0 then return end
  self:permute(n - 1)
  for i = n, 1, -1 do
    self:swap(n, i)
    self:permute(n - 1)
    self:swap(n, i)
  end
end

local p = setmetatable({ count = 0, values = {} }, Permuter)
for i = 1, size do p.values[i] = i end
p:permute(size)
print(string.format("%d %s", p.count, table.concat(p.values, " ")))
