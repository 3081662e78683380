collectgarbage("stop")
local log = {}
do
  for i = 1, 3 do setmetatable({}, {__gc = function() log[#log + 1] = i end}) end
end
collectgarbage() collectgarbage()
print(table.concat(log, " "))
collectgarbage("restart")
local saved
local mt = {}
mt.__gc = function(o) saved = o end
setmetatable({name = "phoenix"}, mt)
collectgarbage() collectgarbage()
print(saved and saved.name)
saved = nil
collectgarbage() collectgarbage()
print(saved)
local count = 0
local again
again = function(o) count = count + 1 if count < 3 then setmetatable(o, {__gc = again}) end end
setmetatable({}, {__gc = again})
for _ = 1, 5 do collectgarbage() end
print(count)
setmetatable({}, {__gc = function() print("inside", collectgarbage()) end})
collectgarbage()
local t = setmetatable({}, {})
getmetatable(t).__gc = function() print("never: the field was not there") end
t = nil
collectgarbage()
