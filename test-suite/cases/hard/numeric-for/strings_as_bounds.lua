-- Strings are not accepted as loop bounds.
print(pcall(function() for i = "1", 2 do end end))
print(pcall(function() for i = 1, "2" do end end))
print(pcall(function() for i = 1, 2, "1" do end end))
print(pcall(function() for i = {}, 2 do end end))
print(pcall(function() for i = 1, nil do end end))
