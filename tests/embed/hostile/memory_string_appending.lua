-- eats memory
local t, s = {}, '' while true do s = s .. 'some more text' t[#t + 1] = s end
