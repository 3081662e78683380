-- runs for ever
local function nest(n) coroutine.wrap(function() if n > 0 then nest(n - 1) end while true do end end)() end nest(150)
