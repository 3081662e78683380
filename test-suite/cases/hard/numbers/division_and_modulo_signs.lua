for _, pair in ipairs{{7, 3}, {-7, 3}, {7, -3}, {-7, -3}, {6, -3}, {-6, 3}, {0, -3}} do
  local a, b = pair[1], pair[2]
  print(a, b, a // b, a % b, (a + 0.0) // b, (a + 0.0) % b, math.fmod(a, b))
end
print(math.mininteger // -1, math.mininteger % -1, math.mininteger // 1, pcall(math.fmod, math.mininteger, -1))
print(pcall(function() return 1 // 0 end))
print(pcall(function() return 1 % 0 end))
print(pcall(math.fmod, 1, 0))
print(1 // 0.0, -1 // 0.0, 0 / 0 ~= 0 / 0, 1 % math.huge, -1 % math.huge)
