-- Generators, pipelines and a scheduler of coroutines.
local n = tonumber((...)) or 40000

local function generate(limit)
  return coroutine.wrap(function() for i = 1, limit do coroutine.yield(i) end end)
end
local function filter(accept, source)
  return coroutine.wrap(function() for v in source do if accept(v) then coroutine.yield(v) end end end)
end
local sum = 0
for v in filter(function(x) return x % 3 == 0 end, filter(function(x) return x % 2 == 0 end, generate(n))) do
  sum = sum + v
end
local tasks = {}
for t = 1, 20 do
  tasks[t] = coroutine.create(function()
    local done = 0
    for i = 1, n / 40 do done = done + i % t coroutine.yield() end
    return done
  end)
end
local finished = 0
while #tasks > 0 do
  for i = #tasks, 1, -1 do
    local _, result = coroutine.resume(tasks[i])
    if coroutine.status(tasks[i]) == "dead" then
      finished = finished + result
      table.remove(tasks, i)
    end
  end
end
local short = 0
for i = 1, n / 10 do short = short + coroutine.wrap(function(x) return coroutine.yield(x) end)(i) end
print(string.format("%d %d %d", sum, finished, short))
