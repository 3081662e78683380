local function sandbox(text, env) return load(text, "=sandbox", "t", env) end
local env = {print = print}
sandbox("x = 1 print(x, y)", env)() print(env.x, x)
print(pcall(sandbox("return math.pi", {})))
local function f() local _ENV = {a = 5} return a end print(f())
local function g(_ENV) return value end print(g{value = "from parameter"})
do local _ENV <const> = {p = print} p("constant environment") end
print(pcall(function() local _ENV = nil; return x end))
print(pcall(function() local _ENV = 5; x = 1 end))
_G.made = "global" print(made, _ENV == _G, _G._G == _G) made = nil
setmetatable(_G, {__index = function(_, k) return "undefined " .. k end, __newindex = function(t, k, v) rawset(t, k, v .. "!") end})
print(nothing) something = "set" print(something) setmetatable(_G, nil)
