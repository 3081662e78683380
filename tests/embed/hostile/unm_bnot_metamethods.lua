-- runs for ever
local V = {} V.__unm = function(a) return a end V.__bnot = V.__unm local v = setmetatable({}, V) while true do v = ~-v end
