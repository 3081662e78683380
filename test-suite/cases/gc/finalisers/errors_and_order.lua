warn("@on")
collectgarbage("stop")
local order = {}
for i = 1, 5 do setmetatable({}, {__gc = function() order[#order + 1] = i if i == 3 then error("finaliser " .. i, 0) end end}) end
collectgarbage()
print(table.concat(order, " "))
local t = setmetatable({}, {__gc = true}) t = nil
collectgarbage()
print("a finaliser that is no function is ignored")
local function late() return setmetatable({}, {__gc = function(o) setmetatable({}, {__gc = function() print("made in a finaliser") end}) end}) end late()
collectgarbage()
collectgarbage()
print("end")
