-- runs for ever
local mt = {} mt.__gc = function() setmetatable({}, mt) setmetatable({}, mt) collectgarbage('count') end setmetatable({}, mt) while true do local t = {} end
