-- runs for ever
local fs = {} while true do for i = 1, 10 do fs[i] = function() return i end end end
