-- runs for ever
local V = {} V.__add = function(a, b) return a end local v = setmetatable({}, V) while true do v = v + 1 end
