-- runs for ever
local function f(x) return x + 1 end local n = 0 while true do n = f(n) end
