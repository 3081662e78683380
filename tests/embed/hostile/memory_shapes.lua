-- eats memory
local n = 0 local keep = {} while true do n = n + 1 local o = {} o['a' .. n] = 1 o['b' .. n] = 2 keep[n] = o end
