-- runs for ever
local function gen(n) return coroutine.wrap(function() for i = 1, n do coroutine.yield(i) end end) end while true do for i in gen(10) do end end
