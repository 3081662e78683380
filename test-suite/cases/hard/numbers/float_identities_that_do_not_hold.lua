print(5 % -math.huge, -5 % math.huge, 5 % math.huge, -5 % -math.huge, 0.0 // -1, -0.0 // 1)
local z = -0.0
print(z + 0, z - 0, z * 1, 0 - z, z + 0.0, -z, 1 / (z + 0), 1 / (z - 0), 1 / (z * 1), 1 / (0.0 - z))
print(0.0 == -0.0, 1/0.0 == 1/-0.0, 0 == -0, math.type(-0))
print(5.3 % 2, -5.3 % 2, 5.3 % -2, -5.3 % -2, 1e308 * 10, -1e308 * 10)
