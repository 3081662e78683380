-- eats memory
local t = {} while true do t[#t + 1] = load('local a, b, c = 1, 2, 3 return function() return a + b + c end') end
