-- A jump out of the scope of a to-be-closed variable closes it where it arrives.
local function closing(name)
  return setmetatable({}, {__close = function()
    print(name, debug.getinfo(2, "l").currentline)
  end})
end
local function try(f)
  local log = {}
  debug.sethook(function(_, line)
    if debug.getinfo(2, "f").func == f then log[#log + 1] = line end
  end, "l")
  f()
  debug.sethook()
  print(table.concat(log, " "))
end
try(function()
  for i = 1, 4 do
    local x <close> = closing("x")
    if i == 2 then goto continue end
    if i == 3 then
      local y <close> = closing("y")
      goto continue
    end
    print(i)
    ::continue::
  end
end)
try(function()
  local n = 0
  while true do
    local x <close> = closing("x")
    n = n + 1
    do
      local y <close> = closing("y")
      if n == 2 then
        break
      end
    end
    if n == 3 then break end
    print(n)
  end
  for i = 1, 2 do
    local x <close> = closing("x")
    if i == 1 then break end
  end
end)
try(function()
  do
    local x <close> = closing("x")
    do
      local y <close> = closing("y")
      goto out
    end
  end
  ::out::
  print("out")
  local n = 0
  ::again::
  local z <close> = closing("z")
  n = n + 1
  if n < 3 then
    goto again
  end
end)
for _, kind in ipairs{"break", "goto done"} do
  local run = assert(load(string.dump(load([[
    local closing, print = ...
    for i, j in next, {1, 2, 3}, nil, closing("loop") do
      local x <close> = closing("x" .. i)
      if i == 2 then
        local y <close> = closing("y")
        ]] .. kind .. [[

      end
    end
    ::done::
    print("done")]]))))
  run(closing, print)
end
-- Assignments of captured variables to captured variables.
try(function()
  local a, b, c = 1, 2
  local f = function() return a, b, c end
  a = b
  a =
    a
  c = a == 1
    and b
    or c
  while a < 4 do
    a = a + 1
    c = a == 3 and a or c
  end
end)
