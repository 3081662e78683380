local function closer(name, fails)
  return setmetatable({}, {__close = function(_, e)
    print("close", name, e)
    if fails then error(name .. " failed", 0) end
  end})
end
local function f(...)
  local a <close> = closer("a")
  local b <close> = closer("b")
  return ...
end
print(f(1, nil, 3, nil))
print(pcall(function()
  local a <close> = closer("a")
  local b <close> = closer("b", true)
  local c <close> = closer("c", true)
  error("original", 0)
end))
print(pcall(function() local x <close> = 42 end))
do local x <close> = nil local y <close> = false print("nothing to close") end
