math.randomseed(42)
local a, b, c = math.random(), math.random(100), math.random(-5, 5) math.randomseed(42)
print(a == math.random(), b == math.random(100), c == math.random(-5, 5))
print(a, b, c) math.randomseed(123, 456)
print(math.random(0), math.random(1000000), math.random(math.mininteger, math.maxinteger), math.random(3.0))
local ok = true
for i = 1, 1000 do local x, y = math.random(), math.random(6) ok = ok and x >= 0 and x < 1 and y >= 1 and y <= 6 end
print(ok)
print(pcall(math.random, 0.5))
print(pcall(math.random, 5, 1))
print(pcall(math.random, 1, 2, 3))
print(math.random(5, 5), pcall(math.random, "x"))
print(math.random(math.maxinteger) > 0, select("#", math.randomseed(7)), math.randomseed(7))
print(select("#", math.randomseed()))
