-- runs for ever
while true do string.rep('', math.maxinteger) end
