-- runs for ever
while true do pcall(string.rep) end
