-- runs for ever
local w = setmetatable({}, {__mode = 'kv'}) while true do w[{}] = {} w[1] = {} end
