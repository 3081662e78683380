-- An error in a message handler is raised where the handler runs, on top of the frames of the
-- first error, and reaches the handler again.
local calls = 0
print(xpcall(function() local x = nil; return x.y end, function(message)
  calls = calls + 1
  print(calls, message)
  print(debug.traceback("levels", 1))
  if calls < 4 then local y = nil; y.z = calls end
  return "final " .. calls
end))

-- Variables of handlers that failed are closed when all is over.
calls = 0
print(xpcall(error, function()
  calls = calls + 1
  local v <close> = setmetatable({}, {__close = function(_, e) print("close", calls, e) end})
  if calls < 3 then error("e" .. calls, 0) end
  return calls
end))

-- Errors of closing reach the handler too.
print(xpcall(function()
  local v <close> = setmetatable({}, {__close = function() error("closing", 0) end})
  error("body", 0)
end, function(message) print("handler", message) return message .. "!" end))

-- A handler that never succeeds.
calls = 0
print(xpcall(error, function() calls = calls + 1 error("again") end, 1))
print(calls > 10 and calls < 250)

-- An error of a hook is one of the code that it interrupts.
print(xpcall(function()
  debug.sethook(function() debug.sethook() error("hook", 0) end, "l")
  local x = 1
  return x
end, function(message) return debug.traceback(message, 1) end))

-- Readers of chunks run within the parser, whose errors are caught, but not without the handler.
local function marked(message) return "<" .. tostring(message) .. ">" end
print(xpcall(function() return load(function() error("reader", 0) end) end, marked))
print(xpcall(load, marked, ipairs))
print(xpcall(function()
  return load(function() return pcall(error, "inner") and "" or nil end) == nil
end, marked))
print(xpcall(load, marked, "x x"))
print(xpcall(coroutine.wrap(function() return load(function() error("other", 0) end) end), marked))
print(pcall(load, function() error("unheard", 0) end))
print(xpcall(function()
  return load(function() local x = nil; return x.y end)
end, debug.traceback))
