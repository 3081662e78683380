local function r(x) return string.format("%.10g", x) end
print(r(math.sin(1)), r(math.cos(1)), r(math.tan(1)), r(math.asin(0.5)), r(math.acos(0.5)), r(math.atan(1)), r(math.atan(1, -1)), r(math.atan(-0.0, -1)))
print(r(math.exp(1)), r(math.log(10)), r(math.log(8, 2)), r(math.log(100, 10)), r(math.log(27, 3)), math.log(0), math.log(1), r(math.deg(math.pi)), r(math.rad(180)))
print(math.log(-1) ~= math.log(-1), math.exp(1000), math.exp(-1000), math.sqrt(0), 2^0.5 == math.sqrt(2), math.log(2^53, 2))
