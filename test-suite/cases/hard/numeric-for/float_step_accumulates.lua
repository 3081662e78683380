local count, last = 0, nil
for x = 0, 1, 0.1 do count = count + 1 last = x end
print(count, last)
for x = 1, 0, -0.25 do io.write(x, " ") end print()
for x = 1.0, 3 do io.write(x, " ") end print()
for x = 1, 2, 0.5 do io.write(math.type(x), " ") end print()
