-- runs for ever
for x in rawequal, 1, 1 do end
