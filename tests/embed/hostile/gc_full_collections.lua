-- runs for ever
local t = {} for i = 1, 100 do t[i] = {} end while true do collectgarbage() end
