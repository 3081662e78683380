-- Coroutines within coroutines, one to five deep, each with a hot loop that yields to the one outside
-- and goes on later, with other traces run in between.
local function produce(depth, rounds)
  return coroutine.wrap(function()
    if depth == 0 then
      for i = 1, rounds do coroutine.yield(i) end
      return nil
    end
    local inner, n = produce(depth - 1, rounds), 0
    for value in inner do
      n = n + 1
      local extra = 0
      for i = 1, n % 4 do extra = extra + i end
      coroutine.yield(value + extra)
    end
  end)
end

for depth = 1, 5 do
  local sum, count = 0, 0
  for value in produce(depth, 200) do
    sum, count = sum + value, count + 1
  end
  print(depth, sum, count)
end

-- Two of them take turns; one is left unfinished, and collected.
for depth = 1, 5 do
  local a, b, sum = produce(depth, 150), produce(depth, 50), 0
  for i = 1, 50 do sum = sum + a() - b() * 2 end
  a, b = nil, nil
  collectgarbage()
  print(depth, sum)
end

-- Errors come out of the innermost one.
local function failing(depth, at)
  return coroutine.wrap(function()
    local inner = depth > 0 and failing(depth - 1, at)
    for i = 1, 100 do
      if inner then coroutine.yield(inner())
      elseif i == at then error("at " .. i, 0)
      else coroutine.yield(i) end
    end
  end)
end
for depth = 1, 5 do
  local f, sum = failing(depth, 61), 0
  local ok, message = pcall(function() while true do sum = sum + f() end end)
  print(depth, sum, ok, message)
end

-- yield out of nested pcalls in a loop, at each depth.
local function protected(depth, f)
  if depth == 0 then return f() end
  local ok, a, b = pcall(protected, depth - 1, f)
  return a, b
end
for depth = 1, 5 do
  local co = coroutine.wrap(function()
    for i = 1, 100 do
      protected(depth, function() coroutine.yield(i); if i % 7 == 0 then error("x") end end)
    end
    return -1
  end)
  local sum, value = 0, 0
  repeat value = co(); sum = sum + value until value == -1
  print(depth, sum)
end

-- Calls that yielded do not count as nested C calls any more: no number of rounds uses them up, nor
-- does a coroutine that is closed, or that dies, inside of them.
for _, depth in ipairs {10, 60, 150} do
  local function body()
    for i = 1, 30 do protected(depth, function() coroutine.yield(i) end) end
    return -1
  end
  local co, sum, value = coroutine.wrap(body), 0, 0
  repeat value = co(); sum = sum + value until value == -1
  local closed = coroutine.create(body)
  coroutine.resume(closed)
  coroutine.resume(closed)
  print(depth, sum, coroutine.close(closed))
  local function nested(n)
    local guard <close> = setmetatable({}, {__close = function() sum = sum + 1 end})
    if n == 0 then coroutine.yield(0); error("dies", 0) end
    local ok, message = pcall(nested, n - 1)
    error(message, 0)
  end
  local dying = coroutine.create(nested)
  coroutine.resume(dying, depth)
  print(coroutine.resume(dying))
  print(sum, coroutine.status(dying), coroutine.close(dying))
  print(pcall(protected, depth, function() return 5 end))
end
