-- runs for ever
while true do collectgarbage('step', 1) end
