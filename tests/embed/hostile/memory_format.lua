-- eats memory
local s, t = ('x'):rep(1 << 16), {} while true do t[#t + 1] = ('%s%s%s%s'):format(s, s, s, #t) end
