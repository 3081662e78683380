-- runs for ever
local x = 1 while true do x = (x << 1) ~ (x >> 3) | 1 end
