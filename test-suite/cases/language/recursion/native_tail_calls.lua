-- A function that tail-calls a native one is hot, and called from a loop that switches coroutines.
local type, tostring = type, tostring
local concat = table.concat
tostring = function(v) return type(v) end
local limit = 441
local acc = 0
local y7 = function(event) return function(...) return coroutine.yield(event) end end
local mt7 = {}
for _, e in ipairs{"add", "sub", "concat", "eq", "lt", "le", "index", "newindex", "call", "len", "unm", "bnot", "shl", "idiv", "band", "mod", "close"} do mt7["__" .. e] = y7(e) end
local o7, p7 = setmetatable({}, mt7), setmetatable({}, mt7)
local function drive7(f)
  local c, log = coroutine.create(f), {}
  local ok, v = coroutine.resume(c)
  while coroutine.status(c) ~= "dead" and #log < 9 do log[#log + 1] = tostring(v) ok, v = coroutine.resume(c, #log) end
  return ok and #log or 0, concat(log, " "), v
end
local function step(i, ...)
  if i > limit then return i end
  do acc = acc + drive7(function() o7.x = i return o7.y + #o7 end) end
  do acc = acc + drive7(function() local c <close> = o7 return o7(i), -o7 end) end
  return step(i + 1, ...)
end
print(pcall(step, 1))
print(acc)
