print(math.maxinteger + 1 == math.mininteger, math.mininteger - 1 == math.maxinteger, math.maxinteger * 2, math.mininteger * -1, -math.mininteger)
print(math.maxinteger + 1.0, math.maxinteger // -1, 5 // 2, -5 // 2, 5 // -2.0, 7 / 2, 6 / 2, 2^2, 1e15, 1e16, 123456.0, -0.0)
print(3 | 0, 3.0 | 0, 10 // 3.0, 2^31, 1 << 31, 1 << 62, 0xff ~ 0x0f, math.type(1), math.type(1.0), math.type("1"), math.type(nil) == nil and "nil" or "")
