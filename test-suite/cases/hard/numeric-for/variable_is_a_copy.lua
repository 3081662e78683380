for i = 1, 3 do local before = i i = i * 10 print(before, i) end
local functions = {}
for i = 1, 3 do functions[i] = function() i = i + 1 return i end end
print(functions[1](), functions[1](), functions[2](), functions[3]())
