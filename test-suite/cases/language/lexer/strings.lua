print("a\tb\\n\"q\"\65\066\x41\u{48}\z
       joined", 'single "quotes"', "line\
continued")
print([[
first newline skipped]], [==[with ]] inside]==], #[[

]])
print("\u{7FFFFFFF}" == "\xFD\xBF\xBF\xBF\xBF\xBF", #"\0\00\000", "\1234" == "{4")
for _, text in ipairs{"'\\400'", "'\\xg0'", "'\\u{110000000}'", "'\\q'", "'abc", "'a\nb'", "[[abc", "[=x", "'\\u123'", "'\\u{12'"} do
  print((select(2, load("return " .. text))))
end
