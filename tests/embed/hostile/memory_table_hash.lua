-- eats memory
local t, i = {}, 0 while true do i = i + 1.5 t[i] = i end
