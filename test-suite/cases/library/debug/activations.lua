-- What can be seen of active and inactive functions, their locals and upvalues.
local function pr(...)
  local t = table.pack(...)
  for i = 1, t.n do t[i] = string.gsub(tostring(t[i]), "0x%x+", "ADDRESS") end
  print(t.n, table.concat(t, "\t"))
end
local function dump(t) if type(t) ~= "table" then print(t) return end local k = {} for n in pairs(t) do k[#k+1] = n end table.sort(k) for _, n in ipairs(k) do local v = t[n] if type(v) == "table" then local l = {} for x in pairs(v) do l[#l+1] = x end table.sort(l) v = "{" .. table.concat(l, ",") .. "}" elseif type(v) == "function" then v = "fn" elseif type(v) == "userdata" then v = "ud" end io.write(n, "=", tostring(v), " ") end print() end
dump(debug.getinfo(print)) dump(debug.getinfo(1)) dump(debug.getinfo(dump, "SLu")) dump(debug.getinfo(0, "nSlutr"))
dump(debug.getinfo(100)) dump(debug.getinfo(-1)) dump(debug.getinfo(1, "")) dump(debug.getinfo(print, "L")) dump(debug.getinfo(print, "l")) dump(debug.getinfo(2, "n"))
local function va(a, b, ...) local x = 5
  dump(debug.getinfo(1, "nSlut"))
  pr(debug.getlocal(1, 1)) pr(debug.getlocal(1, 2)) pr(debug.getlocal(1, 3)) pr(debug.getlocal(1, -1)) pr(debug.getlocal(1, -2)) pr(debug.getlocal(1, -3)) pr(debug.getlocal(1, 0)) pr(debug.getlocal(1, 100))
  pr(debug.setlocal(1, -1, "V")) pr(...) pr(debug.setlocal(1, 1, "A")) pr(a) pr(debug.setlocal(1, 100, 1))
  local cap = 1 local function g() return cap end
  pr(debug.getlocal(1, 4)) pr(debug.setlocal(1, 4, 99)) pr(cap, g())
  do local y <close> = nil; local z <const> = 5; pr(debug.getlocal(1, 6)) pr(debug.getlocal(1, 7)) end
  for i = 1, 1 do for n = 5, 11 do io.write(tostring((debug.getlocal(1, n))), " ") end print() end
  for k, v in pairs({1}) do for n = 5, 12 do io.write(tostring((debug.getlocal(1, n))), " ") end print() end
end
va(1, 2, "v1", "v2")
va(1)
pr(debug.getlocal(va, 1)) pr(debug.getlocal(va, 2)) pr(debug.getlocal(va, 3)) pr(debug.getlocal(print, 1)) pr(debug.getlocal(va, 0)) pr(debug.getlocal(va, -1))
local u1, u2 = 1, 2
local function f1() return u1, u2 end local function f2() u2 = 3 return u1 end
pr(debug.getupvalue(f1, 1)) pr(debug.getupvalue(f1, 2)) pr(debug.getupvalue(f1, 3)) pr(debug.getupvalue(f1, 0)) pr(debug.getupvalue(f1, -1)) pr(debug.getupvalue(string.gmatch("a", "a"), 1)) pr(debug.getupvalue(string.gmatch("a", "a"), 10)) 
pr(debug.setupvalue(f1, 1, "new")) pr(u1) pr(debug.setupvalue(f1, 10, 1)) pr(f1())
pr(debug.upvalueid(f1, 1) == debug.upvalueid(f2, 2), debug.upvalueid(f1, 2) == debug.upvalueid(f2, 1), debug.upvalueid(f1, 1) == debug.upvalueid(f1, 2), debug.upvalueid(f1, 3), type(debug.upvalueid(f1, 1)))
debug.upvaluejoin(f1, 1, f2, 1) pr(f1()) f2() pr(f1()) pr(pcall(debug.upvaluejoin, f1, 3, f2, 1)) pr(pcall(debug.upvaluejoin, f1, 1, f2, 3)) pr(pcall(debug.upvaluejoin, print, 1, f2, 1)) pr(pcall(debug.upvaluejoin, string.gmatch("x", "x"), 1, f2, 1))
local co = coroutine.create(function(a, b) local c = a + b coroutine.yield(c) local d = 1 error("x") end)
pr(pcall(debug.getlocal, co, 0, 1)) coroutine.resume(co, 1, 2)
dump(debug.getinfo(co, 0)) dump(debug.getinfo(co, 1)) dump(debug.getinfo(co, 2)) pr(debug.getlocal(co, 1, 1)) pr(debug.getlocal(co, 1, 3)) pr(debug.setlocal(co, 1, 3, "C")) pr(debug.getlocal(co, 1, 3)) pr(debug.getlocal(co, 1, 4)) pr(debug.getlocal(co, 0, 1))
coroutine.resume(co) dump(debug.getinfo(co, 0)) dump(debug.getinfo(co, 1)) pr(debug.getlocal(co, 1, 4))
local mt = {__index = function(t, k) dump(debug.getinfo(1, "n")) return k end, __add = function() dump(debug.getinfo(1, "n")) end, __close = function() dump(debug.getinfo(1, "n")) end, __eq = function() dump(debug.getinfo(1, "n")) end, __le = function() dump(debug.getinfo(1, "n")) end, __shl = function() dump(debug.getinfo(1, "n")) end, __idiv = function() dump(debug.getinfo(1, "n")) end, __call = function() dump(debug.getinfo(1, "nt")) end, __newindex = function() dump(debug.getinfo(1, "n")) end, __concat = function() dump(debug.getinfo(1, "n")) end, __bnot = function() dump(debug.getinfo(1, "n")) end}
local t, t2 = setmetatable({}, mt), setmetatable({}, mt)
local _ = t.x, t[1], t[{}], t + 1, 1 + t, t == t2, t ~= t2, t <= t2, t <= 5, 5 >= t, t << 1, 1 << t, t // 2, t .. "x", "x" .. t, ~t
t() t.x = 1 t[1] = 2 t[{}] = 3 do local c <close> = t end (function() local c <close> = t return 1 end)() for _ in (function() dump(debug.getinfo(1, "n")) end) do end
local function tc() return dump(debug.getinfo(1, "t")) end tc() local function tc2() return tc() end tc2() local function tc3() return t() end tc3()
local ff = function() dump(debug.getinfo(1, "n")) end ff() local o = {m = ff, {ff}} o.m() o:m() o[1][1]() ; (ff)() ; (ff or 1)() ; gf = ff gf() _G.gf() _ENV.gf() local e = _ENV e.gf() pcall(ff) local k = "m" o[k]() table.sort({1, 2}, function() ff() return false end) local function up() ff() end up() local _ENV = {ff = ff, gf = ff} gf()
