local mt = {} mt.__index = mt
local function new(v) return setmetatable({v = v}, mt) end
local function value(x) return type(x) == "table" and x.v or x end
for event, symbol in pairs{add = "+", sub = "-", mul = "*", div = "/", mod = "%", pow = "^", idiv = "//", band = "&", bor = "|", bxor = "~", shl = "<<", shr = ">>", concat = ".."} do
  mt["__" .. event] = function(a, b) return new("(" .. tostring(value(a)) .. symbol .. tostring(value(b)) .. ")") end
end
mt.__unm = function(a, b) return new("-" .. a.v .. tostring(rawequal(a, b))) end
mt.__bnot = function(a) return new("~" .. a.v) end
local a, b = new("a"), new("b")
print((a + b).v, (a - 1).v, (2 * a).v, (a / 2.5).v, (a % b).v, (a ^ 2).v, (7 // a).v)
print((a & 1).v, (1 | a).v, (a ~ b).v, (a << 1).v, (1 >> a).v, (-a).v, (~a).v)
print((a .. b).v, (a .. "s").v, ("s" .. a).v, (1 .. a).v, ("x" .. "y" .. a .. "z").v, (a + "1").v, ("1" + a).v)
print(pcall(function() return {} + 1 end))
print(pcall(function() return 1 & {} end))
print(pcall(function() return {} .. "x" end))
