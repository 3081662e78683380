-- eats memory
local cs = {} while true do local co = coroutine.wrap(function() coroutine.yield() end) co() cs[#cs + 1] = co end
