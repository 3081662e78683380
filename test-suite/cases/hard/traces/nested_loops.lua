-- Loops that get hot within each other, one to five deep, each in a call of its own that the compiled
-- code of the one outside makes, and every way in which the innermost one is left: to its end, by an
-- error, by a yield, by closing the coroutine that it is in, with collections in between.

-- What each level does in a round that goes inward.
local ways = {}

function ways.plain(inner, n) return inner(n) end

function ways.protected(inner, n)
  local ok, result = pcall(inner, n)
  return ok and result or -1
end

function ways.handled(inner, n)
  local handler = function(message)
    local sum = 0
    for i = 1, 40 do sum = sum + i end
    return sum
  end
  local ok, result = xpcall(inner, handler, n)
  return result
end

function ways.coroutine(inner, n)
  local co = coroutine.wrap(function(n)
    local result = inner(n)
    coroutine.yield(1)
    return result
  end)
  return co(n) + co()
end

function ways.sort(inner, n)
  local list, result = {3, 1, 2}, 0
  table.sort(list, function(a, b) result = result + 1; return a < b end)
  return inner(n) + list[1]
end

function ways.gsub(inner, n)
  local result = 0
  local text = ("x"):rep(3):gsub("x", function(c) result = result + 1; return "y" end)
  return inner(n) + result + #text
end

function ways.metamethod(inner, n)
  local object = setmetatable({}, {__add = function(a, b) return inner(b) end})
  return object + n
end

function ways.close(inner, n)
  local result = 0
  do
    local guard <close> = setmetatable({}, {__close = function() result = result + inner(n) end})
    result = result + 1
  end
  return result
end

function ways.closed(inner, n)
  local result = 0
  local co = coroutine.create(function()
    local guard <close> = setmetatable({}, {__close = function() result = inner(n) end})
    for i = 1, 100 do
      result = result + i
      if i == 30 then coroutine.yield() end
    end
  end)
  coroutine.resume(co)
  coroutine.close(co)
  return result
end

function ways.collected(inner, n)
  local done
  setmetatable({}, {__gc = function() done = inner(n) end})
  for i = 1, 20 do local garbage = {i} end
  collectgarbage()
  return done
end

-- How the innermost round ends.
local ends = {}
function ends.plain(n) return n end
function ends.error(n) if n % 3 == 0 then error({n}) end; return n end
function ends.collect(n) if n % 5 == 0 then collectgarbage() end; return n end
function ends.load(n) return load("return " .. n)() end
function ends.hook(n)
  if n == 4 then
    local count = 0
    debug.sethook(function() count = count + 1 end, "l")
    local x = n
    debug.sethook()
    return count > 0 and n or -1
  end
  return n
end

local function nest(depth, way, ending)
  local function level(d)
    if d == 0 then return ending end
    local inner = level(d - 1)
    return function(n)
      local sum = 0
      for i = 1, 12 do
        sum = sum + i
        if i % 6 == 0 then sum = sum + way(inner, i // 2) end
        sum = sum - n
      end
      return sum
    end
  end
  local run = level(depth)
  local sum = 0
  for round = 1, 40 // depth do
    local ok, result = pcall(run, round)
    sum = sum + (ok and result or 1000)
  end
  return sum
end

local names = {}
for name in pairs(ways) do names[#names + 1] = name end
table.sort(names)
for _, name in ipairs(names) do
  for _, ending in ipairs {"plain", "error", "collect", "load", "hook"} do
    local results = {}
    for depth = 1, name == "collected" and 2 or 5 do
      results[depth] = nest(depth, ways[name], ends[ending])
    end
    print(name, ending, table.concat(results, " "))
  end
end
