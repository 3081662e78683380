-- eats memory
local s = ('x'):rep(1 << 10) while true do s = s:gsub('.', 'xx') end
