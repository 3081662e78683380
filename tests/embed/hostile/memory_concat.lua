-- eats memory
local t = {} for i = 1, 64 do t[i] = ('x'):rep(1 << 12) end local u = {} while true do u[#u + 1] = table.concat(t) .. #u end
