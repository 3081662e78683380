print(utf8.char(72, 228, 0x4e16), utf8.codepoint("ä世", 1, -1))
print(utf8.len("äöü"), utf8.len("abc", 2), utf8.len("abc", 4), utf8.len("äb", -1), utf8.len("\xff"))
print(utf8.offset("aäb", 2), utf8.offset("aäb", 3), utf8.offset("aäb", 4), utf8.offset("aäb", 5), utf8.offset("aäb", -1), utf8.offset("aäb", -2), utf8.offset("aäb", 0, 3))
for p, c in utf8.codes("aä世") do io.write(p, ":", utf8.char(c), " ") end
print()
for c in ("aä世"):gmatch(utf8.charpattern) do io.write("[", c, "]") end
print()
print(pcall(utf8.codepoint, "abc", 0))
print(pcall(utf8.codepoint, "abc", 1, 10))
print(pcall(utf8.offset, "abc", 1, 10))
print(pcall(utf8.char, "x"))
print(pcall(utf8.codes))
print(utf8.len(""), utf8.codepoint("", 1, 0))
print(utf8.len("abc", 5 - 1, -1), pcall(utf8.len, "abc", 6))
