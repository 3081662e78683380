-- eats memory
local t = {} while true do table.insert(t, {}) end
