-- runs for ever
local V = {} V.__add = function(a, b) return a + b end local v = setmetatable({}, V) while true do pcall(function() return v + 1 end) end
