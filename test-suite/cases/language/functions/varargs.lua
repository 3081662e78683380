local function f(...) local a, b = ... return select("#", ...), a, b, ... end
print(f()) print(f(1)) print(f(nil, nil, nil)) print((f(1, 2)))
local function g(...) return {n = select("#", ...), ...} end
print(g(1, nil, 3).n, #g(1, 2, 3), g(nil).n)
local function h(a, ...) local t = table.pack(...) return a, t.n, ... end
print(h(1, 2, 3)) print(h())
local function tail(...) return f(...) end print(tail(7, 8))
print(load("function f() return ... end"))
print((function(...) return select(-2, ...) end)("a", "b", "c"))
local function many(...) return select("#", ...) end
local t = {} for i = 1, 250 do t[i] = i end
print(many(table.unpack(t)), (many(table.unpack(t, 1, 240))))
local function drop(_, ...) if select("#", ...) == 0 then return 0 end return 1 + drop(...) end
print(drop(table.unpack(t)))
