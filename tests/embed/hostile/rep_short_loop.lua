-- runs for ever
while true do ('x'):rep(100) end
