-- runs for ever
while true do string.char(('abc'):byte(1, -1)) end
