-- runs for ever
while true do local co = coroutine.create(function() local x <close> = setmetatable({}, {__close = function() error('x') end}) coroutine.yield() end) coroutine.resume(co) coroutine.close(co) end
