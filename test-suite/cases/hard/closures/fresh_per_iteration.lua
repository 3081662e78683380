local functions = {}
for i = 1, 6 do
  local x = i * 10
  if i % 2 == 0 then goto continue end
  functions[#functions + 1] = function() x = x + 1 return x end
  ::continue::
end
for _, f in ipairs(functions) do io.write(f(), " ", f(), " ") end print()
local list, n = {}, 0
while n < 3 do n = n + 1 local k = n list[n] = function() k = k + 1 return k end end
print(list[1](), list[1](), list[2](), list[3]())
local r = {}
repeat local k = #r r[#r + 1] = function() return k end until k >= 2
print(r[1](), r[2](), r[3]())
