-- What an instruction saw when it began is not what it finds when it ends: metamethods, hooks and
-- finalisers change the object, its metatable or the variable at hand in the middle of it. Whatever is
-- being recorded then, the trace must hold what was executed.
local function new_counter()
  local n = 0
  return function() n = n + 1; return n end
end

-- __index adds the very field, every third time; the next access finds another shape.
local hits = 0
local sum = 0
for i = 1, 200 do
  local t = setmetatable({}, {__index = function(t, k)
    hits = hits + 1
    if i % 3 == 0 then rawset(t, k, i) end
    return -1
  end})
  for j = 1, 4 do sum = sum + t.field end
end
print(sum, hits)

-- __index takes the metatable away, or puts another one there.
sum = 0
local kinds = {}
kinds[1] = {__index = function(t, k) setmetatable(t, kinds[2]); return 1 end}
kinds[2] = {__index = function(t, k) setmetatable(t, nil); return 10 end}
kinds[3] = {__index = function(t, k) t.x = 5; setmetatable(t, kinds[1]); return 100 end}
for i = 1, 200 do
  local t = setmetatable({}, kinds[i % 3 + 1])
  for j = 1, 4 do sum = sum + (t.x or 0) end
end
print(sum)

-- __newindex changes what it is called for, and the function that it is.
local calls = new_counter()
local mt = {}
function mt.__newindex(t, k, v)
  calls()
  rawset(t, k, v)
  if v % 5 == 0 then mt.__newindex = nil end
  if v % 5 == 4 then mt.__newindex = mt.saved end
end
mt.saved = mt.__newindex
local kept = 0
for i = 1, 200 do
  local t = setmetatable({}, mt)
  t.a = i
  t.b = i + 1
  t.a = i + 2
  if i % 5 == 4 then mt.__newindex = mt.saved end
  kept = kept + t.a + t.b
end
print(kept, calls())

-- Methods change while they run.
local class = {}
class.__index = class
function class:step() self.n = self.n + 1; if self.n % 50 == 0 then class.step = class.other end end
function class:other() self.n = self.n + 2; if self.n % 30 == 0 then class.step = class.first end end
class.first = class.step
local object = setmetatable({n = 0}, class)
for i = 1, 300 do object:step() end
print(object.n)

-- An operator changes the operand's kind: a number next time.
local value
local number_like = {__add = function(a, b) value = 3; return 1 end}
sum = 0
for i = 1, 200 do
  if i % 10 == 0 then value = setmetatable({}, number_like) end
  value = value or 2
  sum = sum + (value + i)
end
print(sum)

-- A callee changes the table that the caller goes through, and its length.
local list = {}
for i = 1, 20 do list[i] = i end
local function touch(i)
  if i % 40 == 0 then list[#list + 1] = i end
  if i % 55 == 0 then list[#list] = nil end
  if i % 70 == 0 then list[3] = list[3] == 3 and 3.5 or 3 end
  return #list
end
sum = 0
for i = 1, 400 do
  local before = list[i % #list + 1]
  sum = sum + before * touch(i)
end
print(sum, #list)

-- Globals come and go in the function that is called with them.
function assigned(v) counter = v % 4 ~= 0 and v or nil; return v end
sum = 0
for i = 1, 300 do
  sum = sum + assigned(i) + (counter or -1)
end
print(sum)

-- Upvalues of a closure under way, by the debug library.
local function outer()
  local a, b = 1, 2
  local function get() return a end
  local function other() return b end
  local total = 0
  for i = 1, 200 do
    total = total + get()
    if i == 100 then debug.upvaluejoin(get, 1, other, 1) end
    if i == 150 then debug.setupvalue(get, 1, 7) end
  end
  return total
end
print(outer(), outer())

-- A hook changes a local variable of the loop that is being recorded.
local function hooked()
  local total, n = 0, 1
  for i = 1, 300 do
    total = total + n
    if i == 60 then
      debug.sethook(function()
        debug.sethook()
        debug.setlocal(2, 2, 10)
      end, "l")
    end
    total = total + 0
  end
  return total
end
print(hooked(), hooked())

-- A finaliser does, whenever it comes.
local changed = 0
local function finalised()
  local total, flag = 0, false
  for i = 1, 200 do
    if i == 80 then
      setmetatable({}, {__gc = function() flag = true end})
      collectgarbage()
    end
    total = total + (flag and 100 or 1)
  end
  return total
end
print(finalised(), finalised())
