-- A loop that ends at the largest integer must not wrap around.
for i = math.maxinteger - 2, math.maxinteger do print(i) end
for i = math.mininteger + 2, math.mininteger, -1 do print(i) end
local count = 0
for i = math.maxinteger - 1, math.huge do count = count + 1 end
print(count)
