-- runs for ever
local V = {} V.__concat = function(a) return a end local v = setmetatable({}, V) while true do local _ = v .. v .. v .. 'x' end
