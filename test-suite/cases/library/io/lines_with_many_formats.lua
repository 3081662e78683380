local name = os.tmpname()
local f = io.open(name, "w")
for i = 1, 5 do f:write(i, " line ", i, "\n") end f:close()
for n, rest in io.lines(name, "n", "L") do io.write(n, ":", rest) end
for l in io.lines(name, "l") do io.write(l, ";") end
print()
for c in io.lines(name, 7) do io.write("<", (c:gsub("\n", "N")), ">") end
print()
local it = io.lines(name) it()
print(pcall(function() while it() do end it() end))
print((pcall(io.lines, name, "x")))
f = io.open(name)
local l = f:lines() f:close()
print(pcall(l))
os.remove(name)
