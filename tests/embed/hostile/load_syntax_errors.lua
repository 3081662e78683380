-- runs for ever
while true do load('x x') end
