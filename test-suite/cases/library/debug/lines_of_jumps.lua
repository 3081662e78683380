-- A jump to a jump goes to the final target at once: what it passes by is no line event. The
-- instructions that only one implementation has must not show either.
local function f(x) return x end

local function trace(name, text)
  local left = 30
  local function fuel() left = left - 1 if left < 0 then error("enough", 0) end end
  local environment = {f = f, fuel = fuel, pairs = pairs, t = {},
    closing = setmetatable({}, {__close = f})}
  local run = assert(load("local a, b, c = ...\n" .. text, "=text", "t", environment))
  local log = {}
  debug.sethook(function(_, line) log[#log + 1] = line end, "l")
  local ok, message = pcall(run, 1, 2, false)
  debug.sethook()
  -- Without the lines of this function.
  print(name, ok, message, table.concat(log, " ", 2, #log - 1))
end

trace("if at the end of while", [[
while a < 5 do
  a = a + 1
  if a == 2 then
    f(a)
  end
end]])

trace("if and else at the end of while", [[
while a < 5 do
  a = a + 1
  if a == 2 then
    f(a)
  elseif a == 3 then
    f(b)
  else
    f(c)
  end
end]])

trace("nested ifs at the end of repeat", [[
repeat
  a = a + 1
  if a > 2 then
    if a > 3 then
      f(a)
    else
      f(b)
    end
  end
until a > 4
  and b]])

trace("several conditions", [[
repeat
  a = a + 1
until a > 3
  and (b
  or c)]])

trace("nothing to skip", [[
while a < 4 do
  a = a + 1
  if a == 3 then end
end
if b then
else
end]])

trace("numeric loops end with an instruction", [[
for i = 1, 3 do
  if i == 2 then
    f(i)
  end
end
for i = 1, 0 do
  f(i)
end
if b then for i = 1, 0 do
  f(i)
end else
  f(b)
end]])

trace("generic loops", [[
for k, v in pairs({1, 2, 3}) do
  if v == 2 then
    f(k)
  else
    f(v)
  end
end]])

trace("break", [[
while true do
  while true do
    a = a + 1
    if a == 2 then
      break
    end
    if a > 4 then break end
  end
  if a > 4 then
    break
  end
end]])

trace("goto continue", [[
while a < 6 do
  a = a + 1
  if a == 2 then goto continue end
  if a == 3 then
    goto continue
  end
  if a == 4 then f(a) goto continue end
  f(b)
  ::continue::
end]])

trace("goto at the end of a loop", [[
while a < 3 do
  a = a + 1
  if a == 2 then goto done end
end
::done::
do
  ::again::
  a = a + 1
  if a < 6 then goto again end
end
while a > 3 do
  a = a - 1
  if (a
    == 4) then goto next end
  ::next::
end]])

trace("and, or, not", [[
while a < 5 do
  a = a + 1
  if a == 2
    and b
    or not c
    and a == 4 then
    f(a)
  end
end
c = a > 1
  and b
  or a
c = not
  a]])

trace("tests of constants", [[
if true then
  f(a)
end
if nil then
  f(a)
end
while a < 3 do
  a = a + 1
  if false then
    f(a)
  end
end
repeat
  f(a)
until true
repeat f(a) until not
  nil]])

trace("captured variables", [[
local x, y = 1
t.f = function() return x, y, a, b end
x = y or
  a
while a < 3 do
  local z = a
  t.f = function() return z end
  a = a + 1
  if a == 2 then
    f(z)
  end
end
while b do
  local z = b
  t.f = function() return z end
  if b then
    break
  end
  f(z)
end
for i = 1, 2 do
  do
    local z = i
    t.f = function() return z end
    if i == 2 then
      goto continue
    end
    f(z)
  end
  ::continue::
end
if a < 9
  and b
  and f(a) then
  f(b)
end]])

trace("to-be-closed variables", [[
while a < 4 do
  local x <close> = closing
  a = a + 1
  if a == 2 then
    f(a)
  end
end
repeat
  local x <close> = closing
  b = b + 1
  if b == 3 then
    f(b)
  end
until b > 4]])

trace("parentheses end on other lines", [[
a = (b
)
c = ((true
))
if (a
) then f(a) end
repeat f(a) until (b
)]])

trace("a loop for ever", [[
while true do
  fuel()
  if a then
    if b then
      if not c then
        a = f(a)
      end
    end
  end
end]])

-- Inside nested functions.
trace("functions", [[
local function g(n)
  while n > 0 do
    n = n - 1
    if n == 2 then
      f(n)
    end
  end
  return n
end
for i = 1, 2 do
  if g(i + 2) == 0 then
    f(i)
  end
end]])
