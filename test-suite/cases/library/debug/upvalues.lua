local a, b = 1, 2
local function f() return a, b end
print(debug.getupvalue(f, 1))
print(debug.getupvalue(f, 2))
print(debug.getupvalue(f, 3))
print(debug.setupvalue(f, 1, "new"), a, debug.setupvalue(f, 9, 0))
local function g() return b, a end
print(debug.upvalueid(f, 1) == debug.upvalueid(g, 2), debug.upvalueid(f, 2) == debug.upvalueid(g, 2))
debug.upvaluejoin(f, 1, g, 1)
print(f())
print(pcall(debug.upvalueid, f, 5))
print(pcall(debug.upvaluejoin, f, 5, g, 1))
print(pcall(debug.upvaluejoin, print, 1, g, 1))
print(debug.getupvalue(string.gmatch("a", "a"), 1))
print((debug.getupvalue(load("return x"), 1)), pcall(debug.getupvalue, f))
print((debug.getupvalue(load(string.dump(f, true)), 1)))
