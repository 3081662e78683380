local log = {}
local function record(event, line) log[#log + 1] = event .. (line and ":" .. line or "") end
local function f()
  local x = 1
  return x
end
debug.sethook(record, "l") f() debug.sethook() print(table.concat(log, " ")) log = {}
debug.sethook(record, "cr") f()
local s = ("x"):rep(2)
debug.sethook()
print(table.concat(log, " ")) log = {}
local function tail() return f() end
debug.sethook(record, "c") tail()
debug.sethook()
print(table.concat(log, " "))
local count = 0
debug.sethook(function(e) count = count + 1 end, "", 100)
for i = 1, 10000 do end
debug.sethook()
print(count > 50, debug.gethook())
log = {} debug.sethook(record, "l") for i = 1, 3 do
  local y = i
end debug.sethook() print(table.concat(log, " ")) print(pcall(function() debug.sethook(function() error("from hook", 0) end, "l") local z = 1 end)) debug.sethook()
local co = coroutine.create(function() local a = 1 coroutine.yield() local b = 2 end) log = {}
debug.sethook(co, record, "l")
coroutine.resume(co)
coroutine.resume(co)
print(#log > 0, debug.gethook(co) == record, debug.gethook())
