-- pcall and xpcall in loops: results of every number, errors in the function, in what it calls, in
-- the handler; frames of loops, recursion, coroutines and finalisers between them.

local function add(a, b) return a + b end
local function none() end
local function three(x) return x, x + 1, x + 2 end
local function spread(...) return ... end

do
  local sum, trues = 0, 0
  for i = 1, 200 do
    local ok, v = pcall(add, i, 1)
    local only = pcall(none)
    local ok2, a, b, c, d = pcall(three, i)
    pcall(three, i)
    local ok3, missing = pcall(none, 1, 2, 3)
    sum = sum + v + a + b + c
    if ok and only and ok2 and ok3 and d == nil and missing == nil then trues = trues + 1 end
  end
  print(sum, trues)
end

-- Open lists on both sides.
do
  local count, sum = 0, 0
  local function total(...)
    local s = 0
    for i = 1, select("#", ...) do local v = select(i, ...) if v == true then s = s + 1 else s = s + v end end
    return s
  end
  for i = 1, 150 do
    count = count + select("#", pcall(three, i))
    sum = sum + total(pcall(three, i))
    local list = {pcall(add, spread(i, 2))}
    sum = sum + list[2]
    local function returned() return pcall(add, i, 1) end
    local _, v = returned()
    sum = sum + v
  end
  print(count, sum)
end

-- Errors of several kinds, some of the time.
do
  local caught, fine, texts = 0, 0, {}
  local function maybe(i)
    if i % 7 == 0 then error("seven") end
    if i % 11 == 0 then error({code = i}) end
    if i % 13 == 0 then return nil + i end
    if i % 17 == 0 then local t = nil; return t.x end
    return i
  end
  for i = 1, 400 do
    local ok, v = pcall(maybe, i)
    if ok then fine = fine + v
    else
      caught = caught + 1
      local text = type(v) == "table" and "code" or v
      texts[text] = (texts[text] or 0) + 1
    end
  end
  local names = {}
  for text, n in pairs(texts) do names[#names + 1] = text .. " x" .. n end
  table.sort(names)
  print(fine, caught)
  for _, name in ipairs(names) do print(name) end
end

-- Handlers: called where the error is, with all frames there; may fail themselves.
do
  local depth = 0
  local function handler(e) depth = depth + 1 return "handled " .. tostring(e) end
  local function broken(e) error("again") end
  local function fails(i) if i % 3 == 0 then error("e" .. i % 2, 0) end return i end
  local sum, texts, odd = 0, {}, {}
  for i = 1, 240 do
    local ok, v = xpcall(fails, handler, i)
    if ok then sum = sum + v else texts[v] = (texts[v] or 0) + 1 end
    local ok2, v2 = xpcall(fails, broken, i)
    if not ok2 then odd[type(v2)] = (odd[type(v2)] or 0) + 1 end
    local ok3, n = xpcall(fails, string.len, i)
    if not ok3 then sum = sum + n end
  end
  print(sum, depth, texts["handled e0"], texts["handled e1"], odd.string)
  local function trace() return debug.traceback("tb", 1):match("^tb\nstack traceback:\n") ~= nil end
  local ok = true
  for i = 1, 100 do local _, v = xpcall(error, trace) ok = ok and v end
  print(ok)
end

-- Nested, recursive, with loops inside.
do
  local function inner(n)
    local s = 0
    for i = 1, n do
      local ok, v = pcall(add, i, s % 5)
      s = s + v
      if i == n and n % 10 == 0 then error(s) end
    end
    return s
  end
  local sum = 0
  for i = 1, 60 do
    local ok, v = pcall(pcall, inner, i)
    local ok2, v2, v3 = pcall(pcall, inner, i)
    if v2 then sum = sum + v3 else sum = sum - #tostring(v3) end
  end
  print(sum)
  local function deep(n) if n == 0 then return 0 end local _, v = pcall(deep, n - 1) return v + 1 end
  local total = 0
  for i = 1, 50 do total = total + deep(i) end
  print(total)
  local function bottomless(n) local ok, v = pcall(bottomless, n + 1) if ok then return v end return n end
  local ok, v = pcall(bottomless, 1)
  print(ok, v > 150 and v < 200)
  total = 0
  for i = 1, 50 do total = total + deep(i) end
  print(total)
end

-- Yields across protected calls; a coroutine that is dropped inside one.
do
  local co = coroutine.wrap(function()
    local n = 0
    for i = 1, 100 do
      local ok, v = pcall(function(x) local y = coroutine.yield(x) if y == 50 then error("fifty", 0) end return y end, i)
      n = n + (ok and v or -1)
    end
    return n
  end)
  local v = co()
  while v < 100 do v = co(v) end
  print(co(v))
end

-- To-be-closed variables and pending locals of the function that failed.
do
  local closed = 0
  local mt = {__close = function() closed = closed + 1 end}
  local function scoped(i)
    local guard <close> = setmetatable({}, mt)
    if i % 4 == 0 then error("x", 0) end
    return i
  end
  local sum = 0
  for i = 1, 200 do local ok, v = pcall(scoped, i) if ok then sum = sum + v end end
  print(sum, closed)
  local escaped = {}
  for i = 1, 100 do
    local x = i
    pcall(function() x = x + 1 escaped[i] = function() return x end if i % 2 == 0 then error() end end)
  end
  local total = 0
  for i = 1, 100 do total = total + escaped[i]() end
  print(total)
end

-- Functions that change: other closures, natives, tables, with variable arguments.
do
  local callable = setmetatable({}, {__call = function(self, a) return a * 2 end})
  local functions = {add, function(a) return a end, math.abs, callable, function(...) return select("#", ...) end, 7}
  local sum, failed = 0, 0
  for i = 1, 300 do
    local ok, v = pcall(functions[i % 6 + 1], i, 1)
    if ok then sum = sum + v else failed = failed + 1 end
  end
  print(sum, failed)
end

-- What the stack looks like from inside.
do
  local seen
  local function look() seen = debug.getinfo(2, "S").what .. " " .. tostring(debug.getinfo(2, "n").name) end
  for i = 1, 100 do pcall(look) end
  print(seen)
  local levels
  local function count() local n = 0 while debug.getinfo(n + 1, "l") do n = n + 1 end levels = n end
  for i = 1, 100 do xpcall(count, print) end
  print(levels)
end
