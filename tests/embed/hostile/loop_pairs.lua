-- runs for ever
local t = {a = 1, b = 2, 3} while true do for k, v in pairs(t) do end end
