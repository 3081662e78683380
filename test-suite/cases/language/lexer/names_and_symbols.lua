local _, _1, a1_ = 1, 2, 3
print(_, _1, a1_, 7 // 2, 1 ~= 2, 1 << 2 >> 1, ~5, #"abc", "a" .. "b" .. 1)
for _, text in ipairs{"local and = 1", "x = @", "x = $", "a ! b", "goto = 1", "x = 1 = 2", "x = \\", "é = 1"} do
  print(load(text))
end
