print(math.tointeger("3"), math.tointeger(3.0), math.tointeger(3.5), math.tointeger("3.0"), math.tointeger("x"))
print(math.tointeger(2^53), math.tointeger(2^63), math.tointeger({}), math.tointeger(-2^63))
print(pcall(math.tointeger))
