-- runs for ever
local mt = {} mt.__gc = function(o) setmetatable(o, mt) end setmetatable({}, mt) while true do collectgarbage() end
