-- A returned local variable stands below the variables that are closed.
local log = {}
local function resource(name, fails)
  return setmetatable({}, {__close = function(_, e)
    log[#log + 1] = name .. ":" .. tostring(e)
    if fails then error("E" .. name, 0) end
  end})
end
local function show(...)
  print(...)
  print(table.concat(log, " "))
  log = {}
end
for _, fails in ipairs{false, true} do
  local function one(n) local a <close> = resource(1, fails) return n end
  local function two(n) local a <close> = resource(1, fails) local b <close> = resource(2, fails) return n end
  local function captured(n)
    local f = function() return n end
    local a <close> = resource(1, fails)
    local b <close> = resource(2, fails)
    local c <close> = resource(3, fails)
    return n, f()
  end
  local function closing(n)
    for i in next, {n}, nil, resource(4, fails) do
      local a <close> = resource(1, fails)
      return n
    end
  end
  local function itself() local a <close> = resource(5, fails) local b <close> = resource(6, fails) return a == b end
  for _, f in ipairs{one, two, captured, closing, itself} do show(pcall(f, 7)) end
  show(pcall(coroutine.wrap(two), 8))
end
