-- eats memory
local keep = {} local function f(n) keep[#keep + 1] = {n} return f(n + 1) end f(1)
