-- runs for ever
for i = 1, 1 << 40 do for j = 1, 3 do local x = i + j end end
