-- runs for ever
for i = math.mininteger, math.maxinteger, 3 do end
