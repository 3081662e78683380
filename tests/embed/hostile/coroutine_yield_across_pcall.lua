-- runs for ever
local co = coroutine.wrap(function() while true do pcall(function() coroutine.yield() error('x') end) end end) while true do co() end
