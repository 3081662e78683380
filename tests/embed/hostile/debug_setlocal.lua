-- runs for ever
local x = 0 while true do debug.setlocal(1, 1, 0) x = x + 1 end
