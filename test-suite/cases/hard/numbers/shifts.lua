print(1 << 63, 1 << 64, 1 << 65, 1 >> 63, 1 >> 64, -1 >> 1, -1 >> 63, -1 >> 64)
print(1 << -1, 2 >> -1, 1 << math.mininteger, 1 >> math.mininteger, -1 << math.maxinteger)
print(~0, ~0 >> 60, 5 & -2, 5 | -8, 5 ~ -1, 3 ~ 5, 1.0 << 3)
local n = 70 print(1 << n, -1 >> n, 1 << -n)
