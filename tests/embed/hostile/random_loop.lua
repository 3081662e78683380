-- runs for ever
while true do math.random(100) math.random() end
