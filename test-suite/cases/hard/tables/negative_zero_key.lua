local t = {}
t[-0.0] = "zero"
print(t[0], t[0.0], t[-0.0], next(t), math.type(next(t)))
t[0] = nil
print(next(t))
