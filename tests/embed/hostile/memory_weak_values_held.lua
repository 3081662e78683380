-- eats memory
local t, w = {}, setmetatable({}, {__mode = 'v'}) while true do local v = {} w[#t + 1] = v t[#t + 1] = v end
