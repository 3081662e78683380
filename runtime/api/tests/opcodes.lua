-- Every opcode, its fast path and its slow path, in a loop that the harness runs `count` times.
-- The result is checked, so that no machine can get away with doing nothing.
local count = ...
local global_value = 0
local meta = {}
meta.__index = function(t, k) return k end
meta.__newindex = function(t, k, v) rawset(t, k, nil) end
for _, event in next, {"add", "sub", "mul", "div", "mod", "pow", "idiv", "band", "bor", "bxor",
    "shl", "shr", "unm", "bnot", "len", "concat"} do
  meta["__" .. event] = function() return 1 end
end
meta.__lt = function() return true end
meta.__le = function() return true end
meta.__eq = function() return true end
meta.__call = function(self, x) return x end
local object, other = setmetatable({}, meta), setmetatable({}, meta)
local closable = setmetatable({}, {__close = function() end})
local shared = 0
local function variadic(...)
  local a, b = ...
  return a, b, ...
end
local function tail(x) return variadic(x, x) end
local function none() end
local function several(a, b, c) return a, b, c end
local function closes()
  local c <close> = closable
  return 1, 2
end
local function many(...) return select("#", ...) end
local table_value = {1, 2, 3, x = 1, y = 2}
local sum = 0
local k = 0
while k < count do
  k = k + 1
  -- Loads, moves, upvalues, cells.
  local n1, n2
  local f, t, fl, str = false, true, 2.0, "text"
  local captured = k
  local function inner() shared = shared + 1; captured = captured + 1; return captured end
  sum = sum + inner() - captured
  -- Arithmetic on registers and constants, of all kinds.
  local i, j, x, y = 7, 3, 7.5, 2.5
  sum = sum + (i + j) - (i - j) + (i * j) + (i % j) + (i // j) + (i & j) + (i | j) + (i ~ j)
  sum = sum + (i << j) + (i >> j) + (~i) + (-i) + #str + (i + 5) + (i - 5) + (i * 5) + (i % 5)
  sum = sum + (i // 5) + (i & 5) + (i | 5) + (i ~ 5) + (i << 5) + (i >> 5)
  local q = (x + y) - (x - y) + (x * y) + (x / y) + (x % y) + (x // y) + (x ^ y) + x / 5 + x ^ 2
  q = q + (i / j) + (i ^ j) + (x + i) + (i * x) + -x + (x // 2.5) + (x % 1.5) + (i + 1.5)
  object.field = nil
  local r = object + 1, object - 1
  r = object * 1; r = object / 1; r = object % 1; r = object ^ 1; r = object // 1
  r = object & 1; r = object | 1; r = object ~ 1; r = object << 1; r = object >> 1
  r = -object; r = ~object; r = #object; r = object .. "x"; r = object + other; r = "10" + 1
  -- Comparisons.
  if i < j or i <= j or x < y or x <= y or i == j or str == "other" then sum = sum + 1000 end
  if x == 8 or x == y or i > 100 or i >= 100 or i < 1 or i <= 1 or i == 1 or x > 100 then sum = sum + 1000 end
  if not (i < 100) or not (i <= 100) or not (i > 1) or not (i >= 1) or not (i ~= 1) then
    sum = sum + 1000
  end
  if not (j < i) or not (j <= i) or not (j ~= i) or not (str ~= "other") then sum = sum + 1000 end
  if object < other and object <= other and object == other then sum = sum + 1 end
  if i < x and n1 == nil and t and not f then sum = sum + 1 end
  local either = n1 or i
  local both = i and j
  local flag = i < j
  flag = not flag
  if flag ~= true then sum = sum + 1000 end
  -- Tables.
  local made = {i, j, k; a = 1, [str] = 2, variadic(1, 2)}
  made[1] = 5; made[i] = 1; made[2] = "const"; made.a = j; made.b = "const"; made[str] = nil
  made[k + 3] = true
  sum = sum + made[1] + made.a + #made + (object.missing == "missing" and 1 or 0)
  sum = sum + table_value.x + table_value[i - 6] + table_value[1]
  global_value_of_test = i
  sum = sum + global_value_of_test
  -- Calls.
  none()
  local a, b, c = several(1, 2)
  local d, e = variadic(i, j)
  sum = sum + d + e + a + many(variadic(1, 2)) + object(1) + (tail(4))
  sum = sum + closes()
  local method_holder = table_value
  method_holder.method = several
  method_holder:method(1)
  local _ = ("text"):add()
  table_value.method = nil
  -- Loops.
  for v = 1, 2 do sum = sum + v end
  for v = 1.0, 2.0 do sum = sum + 1 end
  for _, v in next, table_value do sum = sum + 1 end
  for v in several, nil, nil do sum = sum + 1 end
  for v in function(s, c) if not c then return 1 end end, nil, nil, closable do sum = sum + v end
  repeat local z = i until z == i
  do
    local c1 <close> = closable
    sum = sum + 1
  end
  goto done
  sum = sum + 1000
  ::done::
end
do
  local function two() return 1, 2 end
  local function none() end
  local a, b, c = two()
  local d, e = none()
  if a + b ~= 3 or c or d or e then error("results") end
end
do
  local t, k = {}, "key"
  t[k] = 1
  if t[k] ~= 1 then error("keys") end
end
do local big, float = 1 << 40, 0.5 if big < float then error("larger") end end
return sum, shared
