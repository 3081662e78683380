collectgarbage("stop")
for i = 1, 3 do setmetatable({i}, {__gc = function(o) print("exit", o[1]) end}) end
local keep = setmetatable({}, {__gc = function() print("kept until the end") end}) _G.global = setmetatable({}, {__gc = function() print("global") end})
print("script ends")
