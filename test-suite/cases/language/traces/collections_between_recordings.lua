-- While a side trace waits for a version of its loop to be recorded, a collection may free shapes and
-- objects that it relies on. It happens in one round only: each has its turn.
local source = [[
local at, disturb, setmetatable = ...
local first = function(x) return {x = x, y = 2} end
local second = function(x) return setmetatable({x = x}, {__index = {y = 5}}) end
local make, sum = first, 0
for i = 1, 160 do
  if i == 80 then make = second end
  if i == at then disturb() end
  local p = make(i)
  sum = sum + p.x + p.y
end
return sum
]]

local makers = {}
for k = 1, 60 do makers[k] = load(("return {new%d = 1, other%d = 2}"):format(k, k)) end
local kept
-- Frees what is dead, and has the room used again.
local function disturb()
  collectgarbage()
  kept = {}
  for k = 1, #makers do kept[k] = makers[k]() end
end

local sums = {}
for at = 60, 130 do
  local run = assert(load(source))
  kept = nil
  collectgarbage()
  collectgarbage("stop")
  local ok, sum = pcall(run, at, disturb, setmetatable)
  collectgarbage("restart")
  sums[tostring(sum)] = (sums[tostring(sum)] or 0) + 1
end
for sum, count in pairs(sums) do print(sum, count) end
