-- eats memory
local t = {} while true do t[#t + 1] = string.pack('c65536', 'x') .. #t end
