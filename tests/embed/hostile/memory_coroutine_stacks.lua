-- eats memory
local cs = {} local function deep(n) if n == 0 then coroutine.yield() else return 1 + deep(n - 1) end end while true do local co = coroutine.wrap(deep) co(1000) cs[#cs + 1] = co end
