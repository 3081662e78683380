local function hex(s) return (s:gsub(".", function(c) return string.format("%02x ", c:byte()) end)) end
print(hex(string.pack("<i1i2i4i8", 1, 2, 3, -4)))
print(hex(string.pack(">!4 i1 i4 i2", 1, 2, 3)), string.packsize(">!4 i1 i4 i2"))
print(hex(string.pack("<i3 I5 i16", -2, 300, -1)))
print(hex(string.pack("z s1 s2 x B", "ab", "cd", "ef", 255)))
print(hex(string.pack("<d f n j", 1.5, 0.25, -1, 7)))
print(hex(string.pack("<!8 b Xi8 i8 c5", 1, 2, "hey")))
print(string.unpack("<i3 I5 i16", string.pack("<i3 I5 i16", -2, 300, -1)))
print(string.unpack("z s1 B", "ab\0\2cd\255"), string.unpack("<i4", "\1\0\0\0xx", 1))
for _, format in ipairs{"i17", "!3 i4", "i0", "q", "c", "X", "Xz", "!17", "i", "<I16"} do
  print(format, pcall(string.unpack, format, "ab"))
end
print(pcall(string.pack, "i1", 200))
print(pcall(string.pack, "I1", -1))
print(pcall(string.pack, "z", "a\0b"))
print(pcall(string.unpack, "<i16", string.rep("\255", 8) .. string.rep("\1", 8)))
print(pcall(string.packsize, "s")) print(pcall(string.packsize, "c2147483647c2147483647"))
