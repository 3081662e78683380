-- runs for ever
for i = math.maxinteger, math.mininteger, -1 do end
