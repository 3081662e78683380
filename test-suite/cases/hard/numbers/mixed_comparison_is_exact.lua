print(2^53 == 2^53 + 1, (1 << 53) == 2^53, (1 << 53) + 1 == 2^53, (1 << 53) + 1 > 2^53)
print(math.maxinteger < 2^63, math.maxinteger + 0.0 == 2^63, math.maxinteger == 2^63, math.maxinteger >= 2^63)
print(math.mininteger == -2^63, math.mininteger <= -2^63, math.mininteger < -2^63)
print(1 < 0/0, 1 > 0/0, 1 <= 0/0, 0/0 == 0/0, math.maxinteger < math.huge, math.mininteger > -math.huge)
for _, f in ipairs{1.5, -1.5, 2^62, -2^62, 1e308} do
  local i = 1 << 62
  print(f, i < f, i <= f, i > f, f < i, f <= i, i == f)
end
