-- When finalisers run is the collector's choice, so hooks see nothing of them.
-- Only the explicit collections below are to find something.
collectgarbage("stop")

local log = {}
local function hook(event, line)
  log[#log + 1] = event .. (line or "")
end

local function dying(f)
  setmetatable({}, { __gc = f })
end

dying(function()
  local x = 1
  log[#log + 1] = "finalised " .. x
end)
debug.sethook(hook, "crl")
collectgarbage()
debug.sethook()
print(table.concat(log, " "))

-- A hook that a finaliser sets is called from its end on.
log = {}
dying(function()
  debug.sethook(hook, "crl")
  local y = 2
  log[#log + 1] = "finalised " .. y
end)
collectgarbage()
local z = 1
debug.sethook()
print(table.concat(log, " "))

-- An error in one changes nothing.
log = {}
dying(function() error("in a finaliser") end)
debug.sethook(hook, "l")
collectgarbage()
local z = 1
debug.sethook()
print(table.concat(log, " "))

-- Coroutines that it runs have hooks of their own.
log = {}
dying(function()
  local co = coroutine.create(function()
    local a = 1
    return a
  end)
  debug.sethook(co, hook, "l")
  coroutine.resume(co)
end)
debug.sethook(hook, "l")
collectgarbage()
debug.sethook()
print(table.concat(log, " "))
