print(pcall(function() for i = 1, 2, 0 do end end))
print(pcall(function() for i = 1, 2, -0.0 do end end))
print(pcall(function() for i = 1.5, 2, 0 do end end))
