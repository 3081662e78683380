-- Variable arguments, several results and open lists in hot loops.
local function all(...) return ... end
local function count(...) return select("#", ...) end
local function pack(...) return {...} end
local function first(a, ...) return a, ... end
local function swap(a, b) return b, a end
local function none() end
local function three() return 1, 2, 3 end
local function sum(...)
  local s = 0
  for i = 1, select("#", ...) do s = s + (select(i, ...)) end
  return s
end
local function tail(...) return sum(...) end
local function fixed(a, b, c) return (a or 0) + (b or 0) * 10 + (c or 0) * 100 end
local function counted(n, ...)
  if n == 0 then return ... end
  return counted(n - 1, n, ...)
end

local total, text = 0, {}
for i = 1, 400 do
  local a, b, c, d = all(i, i + 1)
  assert(a == i and b == i + 1 and c == nil and d == nil)
  a, b = swap(a, b)
  assert(a == i + 1 and b == i)
  local t = pack(i, "x", i * 0.5, nil, i)
  total = total + t[1] + #t[2] + t[3] + t[5] + #pack(1, 2, three()) + #pack()
  total = total + count(all(i, nil, nil)) + count(none()) + count((three())) + count(three())
  total = total + sum(1, three()) + tail(three()) + fixed(three()) + fixed(all(i)) + fixed(i, all(2, 3, 4))
  local x, y = first(all(7, 8, 9))
  total = total + x * y + (first(i)) + select(-1, i, i + 1)
  local list = {three(), three(), all(i, i)}
  total = total + #list + list[#list] + math.max(all(i, 3)) + math.max(three())
  if i % 100 == 0 then text[#text + 1] = table.concat({counted(5)}, ",") .. ":" .. table.concat(t, ",", 1, 3) end
end
print(total, table.concat(text, " "))

-- Lists that were sunk, kept, shared, changed.
local kept = {}
for i = 1, 300 do
  local t = pack(i, i * 2)
  t[2] = t[2] + 1
  if i % 70 == 0 then kept[#kept + 1] = t end
  local u = {t[1], t[2], i, {i, t}}
  if i % 110 == 0 then kept[#kept + 1] = u[4][2] end
end
for _, t in ipairs(kept) do io.write(#t, ":", t[1], ",", t[2], " ") end
print()

-- As many arguments as come, at one place.
local function spread(...) local a, b = ...; return (a or 0) + (b or 0) + select("#", ...) end
local s = 0
for i = 1, 600 do
  if i % 3 == 0 then s = s + spread()
  elseif i % 3 == 1 then s = s + spread(i)
  else s = s + spread(i, 1, 2, nil) end
end
print(s)

-- Methods, metamethods and closures with them.
local object = {n = 0}
function object:add(...) self.n = self.n + select("#", ...); return self, ... end
local callable = setmetatable({}, {__call = function(self, ...) return count(...), ... end})
for i = 1, 300 do
  local o, v = object:add(i, i)
  local f = function(...) return v, ... end
  local n, w = callable(f(1, 2))
  object.n = object.n + n + w
end
print(object.n)

-- Errors, yields and the debug library in the middle of open lists.
local co = coroutine.wrap(function()
  local r = 0
  for i = 1, 200 do r = r + count(coroutine.yield(i, all(i, i))) + sum(all(coroutine.yield(i))) end
  return -r
end)
local got, r = 0, co()
while r > 0 do got = got + r; r = co(1, 2, 3) end
print(got, r)
local failed = {}
for i = 1, 300 do
  local ok, message = pcall(function(...)
    local a, b = ...
    if i % 99 == 0 then return sum(..., {}) end
    if i % 100 == 0 then return count(..., error({select("#", ...)})) end
    return a + b + sum(...)
  end, i, i + 1, 3)
  if not ok then failed[#failed + 1] = type(message) == "table" and message[1] or message end
end
print(table.concat(failed, "\n"))
local function levels(...)
  local names = {}
  for level = 1, 4 do
    local info = debug.getinfo(level, "Sl")
    names[level] = info and info.what .. (info.currentline or "") or "-"
  end
  local name, value = debug.getlocal(1, -1)
  return table.concat(names, " "), name, value, ...
end
local seen
for i = 1, 200 do
  local line, name, value, x = levels(all(i, i + 1))
  if line ~= seen then seen = line; print(line, name, value, x) end
end

-- Deep and long ones.
local function deep(n, ...) if n == 0 then return select("#", ...) end return deep(n - 1, n, ...) end
local d = 0
for i = 1, 60 do d = d + deep(i % 40) end
print(d)
local function rest(a, ...) if a then return a + rest(...) end return 0 end
for i = 1, 100 do d = d + rest(all(1, 2, 3, 4, 5, i)) end
print(d, count(table.unpack({}, 1, 200)), sum(table.unpack(pack(all(1, 2, 3)), 1, 3)))
