for i = 1, math.maxinteger, math.maxinteger // 2 do print(i) end
for i = math.maxinteger, math.mininteger, math.mininteger do print(i) end
for i = -1, math.mininteger, math.mininteger do print(i) end
for i = 3, 1, math.maxinteger do print("never", i) end
for i = math.mininteger, 0, math.maxinteger do print(i) end
