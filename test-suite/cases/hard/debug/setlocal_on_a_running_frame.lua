local function change(value)
  local i = 1
  while true do
    local name = debug.getlocal(2, i)
    if not name then break end
    if name == "x" then debug.setlocal(2, i, value) end
    i = i + 1
  end
end
local function f()
  local x = 1
  local log = {}
  for i = 1, 4 do
    if i == 3 then change("changed") end
    log[i] = x
  end
  return table.concat(log, " ")
end
print(f())
local function g()
  local x = 1
  do local c <close> = setmetatable({}, {__close = function() change("closed") end}) end
  return x
end
print(g())
local function h()
  local x = 1
  debug.sethook(function() debug.sethook() change("hooked") end, "", 5)
  for i = 1, 20 do local _ = i end
  return x
end
print(h())
