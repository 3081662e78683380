print(0x10, 0xA.8p0, 0x.1p4, 0xffffffffffffffff, 0x1ffffffffffffffff, 1e2, .5, 5., 3e-2, 0x1P-2)
print(9223372036854775807, 9223372036854775808, 1e308 * 10, 123456789012345678901234567890)
for _, text in ipairs{"1..2", "0x", "1e", "0xep", "3x", "1e+", "0x1p", "1.2.3", "0b1"} do
  print(text, load("return " .. text))
end
