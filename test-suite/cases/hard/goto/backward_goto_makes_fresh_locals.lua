local functions, i = {}, 1
do
  ::top::
  local x = i
  functions[i] = function() x = x + 100 return x end
  i = i + 1
  if i <= 3 then goto top end
end
print(functions[1](), functions[2](), functions[3](), functions[1]())
local closed = {}
do
  local n = 0
  ::again::
  local c <close> = setmetatable({}, {__close = function() closed[#closed + 1] = n end})
  n = n + 1
  if n < 3 then goto again end
end
print(table.concat(closed, " "))
for i = 1, 3 do
  local c <close> = setmetatable({}, {__close = function() io.write("close ", i, " ") end})
  if i == 2 then break end
end
print()
