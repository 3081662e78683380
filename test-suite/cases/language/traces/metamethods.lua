-- Metamethods of operators in hot loops: they are called from compiled code, return into it, fail in
-- it, yield from it, and count as calls that may nest so deep and no deeper.
local V = {}
V.__index = V
local function new(x) return setmetatable({x = x}, V) end
local function x(v) return type(v) == "number" and v or v.x end
V.__add = function(a, b) return new(x(a) + x(b)) end
V.__sub = function(a, b) return new(x(a) - x(b)) end
V.__mul = function(a, b) return new(x(a) * x(b)) end
V.__div = function(a, b) return new(x(a) / x(b)) end
V.__idiv = function(a, b) return new(x(a) // x(b)) end
V.__mod = function(a, b) return new(x(a) % x(b)) end
V.__pow = function(a, b) return new(x(a) ^ x(b)) end
V.__band = function(a, b) return new(x(a) & x(b)) end
V.__bor = function(a, b) return new(x(a) | x(b)) end
V.__bxor = function(a, b) return new(x(a) ~ x(b)) end
V.__shl = function(a, b) return new(x(a) << x(b)) end
V.__shr = function(a, b) return new(x(a) >> x(b)) end
V.__unm = function(a, b) return new(a == b and -a.x or 1000) end
V.__bnot = function(a, b) return new(a == b and ~a.x or 1000) end
V.__len = function(a) return a.x end
V.__call = function(a, b) return new(a.x + b) end
V.__concat = function(a, b) return x(a) .. "," .. x(b) end
V.__eq = function(a, b) return a.x == b.x end
V.__lt = function(a, b) return x(a) < x(b) end
V.__le = function(a, b) return x(a) <= x(b) end

local sum, text, equal = new(0), 0, 0
for i = 1, 300 do
  local v, w = new(i), new(3)
  sum = sum + v * w - (v + 1) + (2 - v) * 2
  sum = sum + v // w + 7 // w + v % w + (v & 6) + (1 | v) + (v ~ w) + (v << 1) + (v >> w)
  sum = sum + -v + ~w + #v + v(5)
  if v == new(7) or w == new(3) then equal = equal + 1 end
  if v < w and v <= 3 and 1 < v then equal = equal + 100 end
  text = text + #(v .. w) + #(v .. 1) + #(2 .. w)
end
print(sum.x, text, equal)
local q = new(1.5)
for i = 1, 300 do q = q / 1.01 + new(i) ^ 0.5 end
print(q.x)

-- A metamethod that changes meanwhile, is taken away, gets more or fewer parameters, returns nothing.
local log = {}
for i = 1, 400 do
  if i == 100 then V.__add = function(a) return a end end
  if i == 200 then V.__add = function(a, b, c, ...) return c == nil and select("#", ...) or b end end
  if i == 300 then V.__add = function() end end
  if i == 350 then V.__add = nil end
  local ok, result = pcall(function() return new(i) + new(1) end)
  local kind = ok and type(result) or result:gsub("^.-:%d+: ", "")
  if log[#log] ~= kind then log[#log + 1] = kind end
end
print(table.concat(log, "; "))
V.__add = function(a, b) return new(x(a) + x(b)) end

-- Errors in them: the message, the line, the levels.
local messages = {}
V.__sub = function(a, b)
  if x(b) == 150 then error("at " .. b.x) end
  if x(b) == 250 then return a.x + b.missing.field end
  if x(b) == 290 then return debug.traceback("here") end
  return new(x(a) - x(b))
end
for i = 1, 300 do
  local ok, result = pcall(function()
    local d = new(1000) - new(i)
    return d
  end)
  if not ok or type(result) == "string" then messages[#messages + 1] = result end
end
print(table.concat(messages, "\n"))

-- How deep they may nest: the same before and after they ran compiled, and were left by errors.
local D = {}
local depth
D.__add = function(a, b)
  depth = depth + 1
  return a + b
end
D.__unm = function(a) depth = depth + 1; return (-a) end
local function deepest(f)
  depth = 0
  local ok, message = pcall(f)
  return depth, message
end
local function nested() return setmetatable({}, D) + 1 end
local function negated() return -setmetatable({}, D) end
local first, why = deepest(nested)
print(first, why:match("C stack overflow"))
print(deepest(negated) == first)
for i = 1, 50 do
  if deepest(nested) ~= first then print("differs", i) break end
end
local C = {__add = function(a, b) if b % 3 == 0 then error("no") end return b end}
local object, failed = setmetatable({}, C), 0
for i = 1, 1000 do
  if not pcall(function() return object + i end) then failed = failed + 1 end
end
print(failed, deepest(nested) == first)

-- Yields out of them, and coroutines that are left there.
local Y = {__mul = function(a, b) coroutine.yield(b); return b * 2 end}
local o = setmetatable({}, Y)
local co = coroutine.wrap(function()
  local s = 0
  for i = 1, 200 do s = s + o * i end
  return -s
end)
local total, value = 0, 0
repeat value = co(); total = total + value until value < 0
print(total, deepest(nested) == first)
for i = 1, 100 do
  local left = coroutine.create(function() for j = 1, 10 do local _ = o * j end end)
  for j = 1, i % 10 + 1 do coroutine.resume(left) end
  if i % 2 == 0 then coroutine.close(left) end
end
print(deepest(nested) == first)

-- Recursion that is not too deep.
local R = {}
R.__add = function(a, n) if n == 0 then return 0 end return 1 + (a + (n - 1)) end
local r, deep = setmetatable({}, R), 0
for i = 1, 300 do deep = deep + (r + i % 100) end
print(deep)

-- Collections in them.
V.__mul = function(a, b) if a.x % 50 == 0 then collectgarbage() end return new(a.x * b.x) end
local product = new(1)
for i = 1, 200 do product = (product * new(3)) % 1000003 end
print(product.x)
