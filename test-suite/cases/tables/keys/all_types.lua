local t, f, co = {}, function() end, coroutine.create(print) t[f], t[co], t[io.stdout], t[true], t[false], t[1.5], t["1"], t[1] = 1, 2, 3, 4, 5, 6, 7, 8
print(t[f], t[co], t[io.stdout], t[true], t[false], t[1.5], t["1"], t[1]) t[math.huge], t[-math.huge], t[math.maxinteger], t[math.mininteger] = "a", "b", "c", "d"
print(t[math.huge], t[-math.huge], t[math.maxinteger], t[math.mininteger], t[2^63], t[-2^63])
local long = string.rep("k", 100) t[long] = "long"
print(t[string.rep("k", 50) .. string.rep("k", 50)], t["\0"], t[""]) t[""], t["\0"] = "empty", "zero"
print(t[""], t["\0"], t["\0\0"])
print(pcall(function() t[nil] = 1 end))
print(t[nil])
