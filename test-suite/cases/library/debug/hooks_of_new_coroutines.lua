-- A new coroutine inherits what the hook of its creator asks for, but its function is not called.
local function hook(event, line) print(event, line) end
debug.sethook(hook, "l")
local co = coroutine.create(function()
  local x = 1
  coroutine.yield(x)
  return x
end)
coroutine.resume(co)
print(debug.gethook(co))
debug.sethook()
print(debug.gethook(co))
debug.sethook(co, hook, "l")
coroutine.resume(co)
print(debug.gethook(co) == hook)

debug.sethook(hook, "crl", 100000)
local other = coroutine.wrap(function()
  local y = 2
  debug.sethook(function(event, line) io.write("own ", event, " ", tostring(line), "\n") end, "l")
  local z = y
  return z
end)
other()
print(debug.gethook(coroutine.create(print)))
debug.sethook()
print(debug.gethook(coroutine.create(print)))
