-- runs for ever
local t = {} for i = 1, 100 do t[i] = i % 5 end while true do pcall(table.sort, t, rawequal) end
