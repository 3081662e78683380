local function f(...) return ... end
local function none() end
local a, b, c = f(1, 2) print(a, b, c)
a, b, c = f(1, 2), 10 print(a, b, c)
a, b, c = 0, f(1, 2, 3) print(a, b, c)
local t = {f(1, 2), f(3, 4)} print(#t, t[1], t[2], t[3])
t = {f(1, 2), (f(3, 4))} print(#t)
print(none(), (none())) print(select("#", none()), select("#", (none())), select("#", f(nil, nil)))
print(#{f()}, #{none(), none()}, math.max(f(1, 5, 3)))
