local function count(a, b, c) local n = 0 for _ = a, b, c or 1 do n = n + 1 if n == 5 then break end end return n end
print(count(1, math.huge), count(1, -math.huge), count(1, 0/0), count(1, 3.9), count(1, 2^63))
print(count(3, -math.huge, -1), count(3, math.huge, -1), count(1, -3.9, -1), count(1, -2^63, -1))
print(count(1.0, 3), count(1, 3.0), count(-1, -0.5), count(math.maxinteger, 2^63))
