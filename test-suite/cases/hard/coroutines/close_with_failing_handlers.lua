local function closer(name, fails)
  return setmetatable({}, {__close = function(_, e) print(name, e) if fails then error(fails, 0) end end})
end
local co = coroutine.create(function()
  local a <close> = closer("a")
  local b <close> = closer("b", "from b")
  local c <close> = closer("c", "from c")
  coroutine.yield()
end)
coroutine.resume(co)
print(coroutine.close(co)) print(coroutine.status(co)) print(coroutine.close(co))
co = coroutine.create(function() error({}) end)
print(select("#", coroutine.resume(co)), coroutine.status(co), (coroutine.close(co)), coroutine.close(co))
print(pcall(coroutine.close, coroutine.running()))
co = coroutine.create(print)
print(coroutine.close(co), coroutine.resume(co))
-- Nil is an error too.
local function failing(log, v) return setmetatable({}, {__close = function(_, e) log[#log + 1] = tostring(e) error(v, 0) end}) end
for _, first in ipairs{"a", "nil"} do
  for _, second in ipairs{"b", "nil"} do
    local log = {}
    local one, two = first, second
    if one == "nil" then one = nil end
    if two == "nil" then two = nil end
    co = coroutine.create(function(fails)
      local x <close> = failing(log, one)
      local y <close> = failing(log, two)
      local z <close> = setmetatable({}, {__close = function(_, e) log[#log + 1] = "z " .. tostring(e) end})
      if fails then error(nil) end
      coroutine.yield()
    end)
    coroutine.resume(co)
    print(coroutine.close(co)) print(coroutine.close(co), table.concat(log, " "))
  end
end
co = coroutine.create(function() error(nil) end)
print(coroutine.resume(co)) print(coroutine.close(co)) print(coroutine.close(co))
