-- Which lines a loop's end reports after a value that short-circuits: a jump to the loop's end goes on
-- to its start at once, falling through to it does not.
local v, b, n, m = "z", false, 0, 1
local lines = {}
local function on() debug.sethook(function(e, l) lines[#lines + 1] = l end, "l") end
local function off(name) debug.sethook() print(name, table.concat(lines, " ")) lines = {} end
for _, c in ipairs{true, false} do
print(c)
do
local i = 0
on()
while i < 2 do
  i = i + 1
  if c then end
  ::continue::
end
off "if"
end
do
local i, m = 0, c and 1 or -1
on()
while i < 2 do
  i = i + 1
  if m < 0 then end
  ::continue::
end
off "if lt"
end
do
local i, v, b = 0, c, "b"
on()
while i < 2 do
  i = i + 1
  b = v and b
  ::continue::
end
off "and"
end
do
local i, v, b = 0, c, "b"
on()
while i < 2 do
  i = i + 1
  b = v or b
  ::continue::
end
off "or"
end
do
local i, v, b, d = 0, c, "b", true
on()
while i < 2 do
  i = i + 1
  b = v and d and b
  ::continue::
end
off "and and"
end
do
local i, v, b, d = 0, c, "b", true
on()
while i < 2 do
  i = i + 1
  b = v and d or b
  ::continue::
end
off "and or"
end
do
local i, v, b, d = 0, c, "b", true
on()
while i < 2 do
  i = i + 1
  b = v == d and b
  ::continue::
end
off "eq and"
end
end
