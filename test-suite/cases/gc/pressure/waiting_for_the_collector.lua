-- Loops that wait for the collector make garbage that nobody looks at: however little of it is
-- really made, the collector must come.
local function armed(done) setmetatable({}, {__gc = done}) end

local finished = false
armed(function() finished = true end)
local n = 0
repeat local t = {x = n}; n = n + 1; t.x = t.x + 1 until finished
print("a table in each round", finished)

finished = false
armed(function() finished = true end)
n = 0
while not finished do
  local function get() return n end
  n = get() + 1
end
print("a closure in each round", finished)

finished = false
armed(function() finished = true end)
while not finished do
  for i = 1, 10 do
    local p = {a = {i}, b = i}
    if i > 20 then finished = p end
  end
end
print("in an inner loop", finished)

-- Several generations, in both modes.
for _, mode in ipairs {"incremental", "generational"} do
  collectgarbage(mode)
  local count = 0
  local function again() count = count + 1; if count < 5 then armed(again) end end
  armed(again)
  while count < 5 do local t = {x = count}; t = nil end
  print(mode, count)
end

-- A weak entry goes.
local weak = setmetatable({}, {__mode = "v"})
weak[1] = {}
while weak[1] do local t = {x = 1, y = 2}; t.x = t.y end
print("weak", weak[1])

-- What is garbage counts until it is collected.
collectgarbage()
collectgarbage("stop")
local before = collectgarbage("count")
for i = 1, 100000 do local t = {x = i}; t.x = t.x + 1 end
local grown = collectgarbage("count") - before
print("stopped", grown > 1000, collectgarbage("isrunning"))
n = 0
while collectgarbage("count") < before + 2 * grown do
  for i = 1, 100 do local t = {x = i} end
  n = n + 1
end
print("counted", n > 0)
collectgarbage("restart")
collectgarbage()
print("collected", collectgarbage("count") < before + 1000)
