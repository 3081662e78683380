-- Metamethods of indexing, storing, comparing, calling and concatenating in loops: they change in the
-- middle, fail, yield, recurse, and are asked for by every kind of instruction.

local function loop(n, f)
  for i = 1, n do f(i) end
end

-- __index by field, index and integer, on chains of tables.
do
  local asked = {}
  local base = setmetatable({}, {__index = function(t, k) asked[k] = (asked[k] or 0) + 1 return k end})
  local middle = setmetatable({x = 1}, {__index = base})
  local object = setmetatable({}, {__index = middle})
  local sum, names = 0, 0
  for i = 1, 200 do
    sum = sum + object[i % 7 + 1] + object[3]
    names = names + #object.name + object.x
    if i == 120 then middle.name = "longer name" end
    if i == 160 then rawset(object, 3, 1000) end
  end
  print(sum, names, asked[1], asked[3], asked.name)
end

-- A method that __index answers; the receiver is the object.
do
  local count = 0
  local class = {}
  local mt = {__index = function(t, k) count = count + 1 return class[k] end}
  function class.add(self, n) self.total = self.total + n return self end
  local object = setmetatable({total = 0}, mt)
  for i = 1, 300 do object:add(i):add(1) end
  print(object.total, count)
  local self_method = setmetatable({}, {__index = function(t, k) return function(s) return s == t and k end end})
  local all = true
  for i = 1, 100 do all = all and self_method:anything() == "anything" end
  print(all)
end

-- __newindex: by field, key and integer; it stops being asked when the key exists.
do
  local log = 0
  local target = {}
  local object = setmetatable({}, {__newindex = function(t, k, v)
    log = log + 1
    if v % 50 == 0 then rawset(t, k, v) else target[k] = v end
  end})
  for i = 1, 130 do
    object.field = i
    object[i % 5] = i
    object[1] = i + 1
  end
  print(log, object.field, object[0], object[1], target.field, target[3])
  local through = setmetatable({}, {__newindex = setmetatable({}, {__newindex = function(t, k, v) rawset(t, k, v * 2) end})})
  for i = 1, 100 do through[i] = i end
  print(rawlen(through), rawlen(getmetatable(through).__newindex), getmetatable(through).__newindex[100])
end

-- Comparisons: results of any type, either operand's metamethod, mixed operands.
do
  local answers = {true, false, 1, 0, "", "x"}
  local at = 0
  local mt = {}
  mt.__eq = function(a, b) at = at % 7 + 1 return answers[at] end
  mt.__lt = function(a, b) at = at % 7 + 1 return answers[at] end
  mt.__le = function(a, b) return (type(a) == "table" and a.v or a) <= (type(b) == "table" and b.v or b) end
  local a, b = setmetatable({v = 1}, mt), setmetatable({v = 2}, mt)
  local plain = {}
  local eq, lt, le, ne, ge, gt = 0, 0, 0, 0, 0, 0
  for i = 1, 210 do
    if a == b then eq = eq + 1 end
    if a ~= b then ne = ne + 1 end
    if plain == b then eq = eq + 1 end
    if a < b then lt = lt + 1 end
    if a > i then gt = gt + 1 end
    if i < a then lt = lt + 1 end
    if a <= b then le = le + 1 end
    if b >= i then ge = ge + 1 end
    if i <= b then le = le + 1 end
    if a <= 100 then le = le + 1 end
    local value = a == b
    if value == true then eq = eq + 1 end
  end
  print(eq, ne, lt, gt, le, ge)
end

-- __call: with few and many arguments, open lists, a chain, as an iterator, a tail call.
do
  local f = setmetatable({n = 0}, {__call = function(self, a, b, c)
    self.n = self.n + (a or 0) + (b or 0) + (c or 0)
    return self.n, a
  end})
  local chain = setmetatable({}, {__call = f})
  local function pass(...) return ... end
  local function tail(i) return f(i) end
  local sum = 0
  for i = 1, 150 do
    local n, a = f(i)
    local m = f(i, 1, 1)
    f()
    local k = f(pass(i, i))
    local t = tail(i)
    sum = sum + n + a + m + k + t
  end
  print(f.n, sum)
  print(pcall(chain, 1))
  local steps = setmetatable({}, {__call = function(self, limit, i) if i < limit then return i + 1 end end})
  local total = 0
  for r = 1, 30 do for i in steps, 20, 0 do total = total + i end end
  print(total)
end

-- __concat, __len, __unm, and arithmetic with a number on the left.
do
  local mt = {}
  mt.__concat = function(a, b)
    return (type(a) == "table" and "<" .. a.v .. ">" or a) .. (type(b) == "table" and "<" .. b.v .. ">" or b)
  end
  mt.__len = function(t) return t.v end
  mt.__unm = function(t) return setmetatable({v = -t.v}, mt) end
  mt.__sub = function(a, b) return (type(a) == "table" and a.v or a) - (type(b) == "table" and b.v or b) end
  local t = setmetatable({v = 5}, mt)
  local length, texts, numbers = 0, 0, 0
  for i = 1, 200 do
    length = length + #t + (-t).v
    texts = texts + #(t .. i) + #(i .. t) + #("a" .. t .. "b" .. i) + #(t .. t)
    numbers = numbers + (10 - t) + (t - i) + (1.5 - t)
  end
  print(length, texts, numbers)
end

-- Metamethods that appear, change and vanish while the loop runs.
do
  local mt = {}
  local t = setmetatable({}, mt)
  local log = {}
  for i = 1, 240 do
    if i == 60 then mt.__index = function(_, k) return k .. "!" end end
    if i == 120 then mt.__index = {key = "table"} end
    if i == 180 then mt.__index = function() return nil end end
    if i == 220 then setmetatable(t, nil) end
    local v = tostring(t.key)
    log[v] = (log[v] or 0) + 1
  end
  print(log["nil"], log["key!"], log.table)
end

-- Errors come from where they are, and yields go through.
do
  local t = setmetatable({}, {
    __index = function(_, k) if k == 77 then error("at " .. k) end return k end,
    __lt = function(a, b) coroutine.yield("lt") return true end,
    __call = function(self, x) coroutine.yield(x) return x end,
  })
  print(pcall(loop, 200, function(i) return t[i] end))
  local co = coroutine.wrap(function()
    local n = 0
    for i = 1, 60 do
      if t < t then n = n + 1 end
      n = n + t(i)
    end
    return "done", n
  end)
  local yields, last, n = 0, nil, nil
  repeat last, n = co() yields = yields + 1 until last == "done"
  print(yields, n)
end

-- Recursion through metamethods ends where C calls would.
do
  local mt = {}
  mt.__index = function(t, k) if k == 0 then return 0 end return 1 + t[k - 1] end
  local t = setmetatable({}, mt)
  local sum = 0
  for i = 1, 100 do sum = sum + t[i % 50] end
  print(sum)
  local ok, message = pcall(function() return t[100000] end)
  print(ok, type(message))
  sum = 0
  for i = 1, 100 do sum = sum + t[i % 60] end
  print(sum)
end

-- Keys of every type that are absent, in tables with hash parts.
do
  local t = setmetatable({[1.5] = 1, [true] = 2, a = 3, [100] = 4}, {__index = function(_, k) return 10 end})
  local keys = {1.5, 2.5, true, false, "a", "b", 100, 101, 2^53, -1, print}
  local sum = 0
  for r = 1, 40 do
    for i = 1, #keys do sum = sum + t[keys[i]] end
    if r == 20 then t[101] = 5 t.b = 6 t[print] = 7 end
  end
  print(sum)
end

-- A long string is a key of the hash part, of which the shape says nothing.
do
  local stored, asked = 0, 0
  local t = setmetatable({}, {
    __index = function() asked = asked + 1 return 1 end,
    __newindex = function() stored = stored + 1 end,
  })
  local function get() return t["a string that is too long to be interned, and so is in the hash part"] end
  local function set(v) t["a string that is too long to be interned, and so is in the hash part"] = v end
  local key = "a string that is too long to be interned, " .. "and so is in the hash part"
  local sum = 0
  for i = 1, 400 do
    if i == 200 then rawset(t, key, 100) end
    sum = sum + get()
    set(i)
  end
  print(sum, asked, stored, rawget(t, key))
end
