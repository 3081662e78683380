-- runs for ever
local t = {1, 2, 3} while true do local k = next(t) while k do k = next(t, k) end end
