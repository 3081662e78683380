-- runs for ever
while true do load('return 1 + 1')() end
