print(0/0, -(0/0), math.huge - math.huge, math.huge * 0)
local z = 0.0
print(z / z, -(z / z), z / -z, string.format("%f %.1f", z / z, -(z / z)))
print(tostring(0/0) == tostring(-(0/0)), math.sqrt(-1), math.huge % 2, 0.0 % 0)
