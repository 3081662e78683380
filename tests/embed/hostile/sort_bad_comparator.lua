-- runs for ever
while true do local t = {} for i = 1, 100 do t[i] = i % 7 end pcall(table.sort, t, function() return true end) end
