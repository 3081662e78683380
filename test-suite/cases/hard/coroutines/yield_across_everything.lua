local yield = coroutine.yield
local mt = {}
for _, event in ipairs{"add", "concat", "eq", "lt", "le", "index", "newindex", "call", "len", "unm", "bnot", "shl", "idiv"} do
  mt["__" .. event] = function(...) return yield(event) end
end
local function object() return setmetatable({}, mt) end
local a, b = object(), object()
local function drive(f)
  local co, log = coroutine.create(f), {}
  local ok, value = coroutine.resume(co)
  while coroutine.status(co) ~= "dead" do
    log[#log + 1] = tostring(value)
    ok, value = coroutine.resume(co, #log)
  end
  print(ok, value, table.concat(log, " "))
end
drive(function() return a + b end)
drive(function() return a .. "x" .. b end)
drive(function() return "x" .. "y" .. b .. "z" end)
drive(function() return not (a < b), a <= b end)
drive(function() return a == b, a ~= b end)
drive(function() if a < b then return "less" else return "not less" end end)
drive(function() a.x = 1 return a.y + #a end)
drive(function() return a(1) + -a + ~a end)
drive(function() return (a << 1) + (a // 2) end)
drive(function() return pcall(function() yield("inside pcall") error("caught", 0) end) end)
drive(function() return select(2, pcall(function() yield("inside") error("caught", 0) end)) end)
drive(function() return select(2, xpcall(function() yield("in xpcall") error("E", 0) end, function(e) return e .. "!" end)) end)
drive(function() for i in function(_, v) v = (v or 0) + 1 yield("iterator") if v < 3 then return v end end do end return "done" end)
drive(function() for k in pairs(setmetatable({}, {__pairs = function(t) yield("pairs") return next, {k = 1} end})) do return k end end)
drive(function() return load("return " .. "coroutine.yield('chunk')")() end)
drive(function() return select(2, coroutine.wrap(function() return 1, "nested" end)()) end)
print(coroutine.resume(coroutine.create(function() table.sort({3, 2, 1}, function(x, y) yield() end) end)))
print(coroutine.resume(coroutine.create(function() string.gsub("abc", ".", function() yield() end) end)))
print(pcall(yield))
