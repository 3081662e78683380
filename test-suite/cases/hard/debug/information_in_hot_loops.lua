-- What a callee sees of its callers does not depend on how often they ran before.
local log = {}
local function look(i)
  if i % 100 ~= 0 then return end
  local me, caller = debug.getinfo(1, 'nSlt'), debug.getinfo(2, 'nSlt')
  local depth = 0
  while debug.getinfo(depth + 1, 'l') do depth = depth + 1 end
  log[#log + 1] = table.concat({tostring(me.name), me.namewhat, me.currentline, tostring(me.istailcall), '<',
    tostring(caller.name), caller.namewhat, caller.currentline, tostring(caller.istailcall), depth}, ' ')
end
local object = {}
function object:method(i) look(i) end
function object.field(i) look(i) end
function global(i) look(i) end
local function tail(i) return look(i) end
local function twice(i) return tail(i) end
local operand = setmetatable({}, {
  __add = function(_, i) look(i) return i end, __index = function(_, i) look(i) return i end,
  __newindex = function(_, i) look(i) end, __concat = function(_, i) look(i) return i end,
  __lt = function(_, i) look(100) return true end, __call = function(_, i) look(i) end,
  __len = function() look(100) return 1 end, __close = function() look(100) end,
})
for i = 1, 300 do
  look(i)
  object:method(i)
  object.field(i)
  global(i)
  tail(i)
  twice(i)
  local _ = operand + i
  _ = operand[i]
  operand[i] = i
  _ = operand .. i
  operand(i)
  if i % 100 == 0 then
    _ = operand < operand
    _ = #operand
    do local c <close> = operand end
    for x in look, i do end
  end
end
print(table.concat(log, '\n'))
