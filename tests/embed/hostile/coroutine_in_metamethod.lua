-- runs for ever
local t = setmetatable({}, {__index = function() coroutine.yield() return 1 end}) local co = coroutine.wrap(function() while true do local _ = t.x end end) while true do co() end
