-- eats memory
local t, i = {}, 0 while true do i = i + 1 t['field' .. i] = true end
