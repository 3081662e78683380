-- runs for ever
while true do os.date('%c', 0) os.time() end
