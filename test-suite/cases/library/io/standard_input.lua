-- stdin: first\n42 0x10\nrest of\nthe input
print(io.read())
print(io.read("n", "n"))
print(io.read("L"))
print(io.read(4))
print(io.read("a"))
print(io.read("a"))
print(io.read("l"))
print(io.read(0))
