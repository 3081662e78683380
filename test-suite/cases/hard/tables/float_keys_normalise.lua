local t = {}
t[2^53] = "a"
print(next(t), t[2^53 | 0], t[9007199254740992])
t = {}
t[2^63] = "b"
print(next(t), t[math.mininteger], t[2^63])
t[1.0], t[2] = "one", "two"
print(t[1], t[2.0], #t)
for k in pairs({[3.0] = 1}) do print(k, math.type(k)) end
