-- A finaliser may change a local variable of the function that it interrupts.
local function change(name, value)
  for level = 3, 5 do
    for i = 1, 250 do
      local found = debug.getlocal(level, i)
      if not found then break end
      if found == name then debug.setlocal(level, i, value) return end
    end
  end
end
local function finaliser(name, value)
  setmetatable({}, {__gc = function() change(name, value) end})
end
-- Of the function that collects.
local function explicit()
  local victim = 'before'
  finaliser('victim', 'after')
  collectgarbage()
  return victim
end
print(explicit())
-- Of a function that only allocates: the finaliser is called from it.
local function implicit()
  local victim, rounds = 'before', 0
  finaliser('victim', 'after')
  while victim == 'before' and rounds < 1e7 do
    rounds = rounds + 1
    local garbage = {rounds}
  end
  return victim
end
print(implicit())
-- The control variable of a loop: the copy that the body sees, not the loop's own.
local function loop()
  local seen = {}
  for i = 1, 6 do
    if i == 3 then
      finaliser('i', 'three')
      collectgarbage()
    end
    seen[#seen + 1] = tostring(i)
  end
  return table.concat(seen, ' ')
end
print(loop())
-- A captured one.
local function captured()
  local victim = 1
  local function get() return victim end
  local log = {}
  for i = 1, 6 do
    if i == 4 then
      finaliser('victim', 100)
      collectgarbage()
    end
    log[i] = get() + victim
  end
  return table.concat(log, ' ')
end
print(captured())
