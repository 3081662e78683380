-- Objects that a hot loop makes and nobody else sees, and exits at which somebody does.
local function vector(x, y) return {x = x, y = y} end
local function add(a, b) return {x = a.x + b.x, y = a.y + b.y} end

-- Replaced in each round, made at the loop's end and at exits in the middle.
local p, q, kept = vector(0, 0), vector(1, 2), {}
for i = 1, 3000 do
  p = add(p, q)
  if i % 700 == 0 then kept[#kept + 1] = p end
end
print(p.x, p.y, #kept)
for _, k in ipairs(kept) do print(k.x, k.y, k == p) end

-- Of integers first, then of floats.
local f = vector(0, 0)
for i = 1, 2000 do f = add(f, i < 1000 and {x = 1, y = 2} or {x = 0.5, y = 1}) end
print(f.x, f.y)

-- Nested, shared and cyclic ones.
local sum, last = 0, nil
for i = 1, 2000 do
  local inner = {b = i}
  local outer = {a = inner, same = inner}
  outer.me = outer
  sum = sum + outer.me.a.b
  if i % 500 == 0 then last = outer end
end
print(sum, last.me == last, last.a == last.same, last.a.b)

-- Identity.
local equal, different = 0, 0
for i = 1, 1000 do
  local a, b = {v = i}, {v = i}
  local c = i % 3 == 0 and a or b
  if a == c then equal = equal + 1 end
  if a ~= b then different = different + 1 end
end
print(equal, different)

-- Cells and closures.
local total, escaped = 0, nil
for i = 1, 2000 do
  local n = i
  local function step(by) n = n + by; return n end
  total = total + step(1) + step(2)
  if i % 900 == 0 then escaped = step end
end
print(total, escaped(0), escaped(5), escaped(0))

-- An error, a yield, debug.getlocal and collectgarbage see them.
local function check(i)
  local t = {x = i, y = {z = i}}
  if i == 1500 then error(t) end
  return t.x + t.y.z
end
local s = 0
local ok, e = pcall(function() for i = 1, 2000 do s = s + check(i) end end)
print(ok, s, e.x, e.y.z)
local co = coroutine.wrap(function()
  for i = 1, 1000 do
    local t = {x = i, y = -i}
    if i % 250 == 0 then coroutine.yield(t) end
    s = s + t.x + t.y
  end
end)
for _ = 1, 4 do local t = co(); print(t.x, t.y) end
for i = 1, 1000 do
  local t = {x = i}
  if i % 400 == 0 then
    for n = 1, 60 do
      local name, value = debug.getlocal(1, n)
      if name == "t" then print(name, value.x) end
    end
  end
  s = s + t.x
end
print(s)
collectgarbage()
local before = collectgarbage("count")
for i = 1, 5000 do local t = {x = i, y = i}; s = s + t.x - t.y end
print(s, collectgarbage("count") < before + 1000)

-- Keys, metatables, and a field that comes late or becomes nil.
local map, mt = {}, {__add = function(a, b) return a.v + b.v end, __index = function() return 7 end}
for i = 1, 600 do
  local k = {v = i}
  if i % 200 == 0 then map[k] = i end
  local m = setmetatable({v = i}, mt)
  s = s + (m + m) + m.missing
  local late = {a = i}
  if i % 2 == 0 then late.b = i end
  late.a = nil
  s = s + (late.a or 1) + (late.b or 0)
  if i % 250 == 0 then print(late.a, late.b) end
end
local count = 0
for k, v in pairs(map) do count = count + 1; assert(k.v == v) end
print(s, count)
