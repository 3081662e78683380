local n = 0
while true do n = n + 1 if n == 3 then goto next end if n > 5 then break end ::next:: end print(n)
repeat local done = n > 8 n = n + 1 until done print(n)
for i = 1, 3 do for j = 1, 3 do if j == 2 then break end io.write(i, j, " ") end end print()
while false do print("never") end
repeat until true
print(load("break"))
print(load("for i = 1, 2 do end break"))
print(load("while 1 do local function f() break end end"))
