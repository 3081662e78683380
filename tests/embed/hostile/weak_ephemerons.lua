-- runs for ever
local w = setmetatable({}, {__mode = 'k'}) while true do local k = {} w[k] = {k} end
