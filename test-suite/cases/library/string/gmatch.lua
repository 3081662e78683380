for w in ("one two  three"):gmatch("%a+") do io.write("[", w, "]") end
print()
for k, v in ("a=1, b=2"):gmatch("(%w+)=(%w+)") do io.write(k, v, ";") end
print()
for p in ("abc"):gmatch("()") do io.write(p, " ") end
print()
for x in ("hello"):gmatch("l", 4) do io.write(x, ".") end
print()
for x in ("abc"):gmatch("b*") do io.write("<", x, ">") end
print()
for a in ("^a^a"):gmatch("^a") do io.write(a, ";") end
print()
local g = ("ab"):gmatch(".")
print(g(), g(), g(), g())
