-- runs for ever
while true do warn('x') end
