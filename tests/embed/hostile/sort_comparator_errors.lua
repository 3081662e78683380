-- runs for ever
while true do pcall(table.sort, {3, 2, 1}, error) end
