-- runs for ever
while true do pcall(error, 'x', 5) end
