-- runs for ever
local n = 0 while true do n = (n * 6364136223846793005 + 1) // 3 % 1000003 end
