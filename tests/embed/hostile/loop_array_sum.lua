-- runs for ever
local t = {1, 2, 3, 4, 5, 6, 7, 8} while true do local s = 0 for i = 1, #t do s = s + t[i] end end
