-- runs for ever
local t = setmetatable({}, {__newindex = function() end}) while true do t.x = 1 end
