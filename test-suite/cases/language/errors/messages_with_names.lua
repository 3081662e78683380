local t, s, up = {}, "str", nil
local function run(f, ...) print(select(2, pcall(f, ...))) end
run(function() return t.a.b end) run(function() return t.a.b.c end) run(function() t.a.b = 1 end) run(function() return up.x end)
run(function() return undefinedglobal.x end) run(function() undefinedglobal() end) run(function() t.method() end) run(function() t:method() end)
run(function() local l; l() end) run(function() local l; l.x = 1 end) run(function() return s.x.y end) run(function() up() end)
run(function() return t + 1 end) run(function() return t.a + 1 end) run(function() return 1 + undefinedglobal end) run(function() return s + 1 end)
run(function() return t .. "x" end) run(function() return "x" .. t.a end) run(function() return #t.a end) run(function() return -t end)
run(function() return t < t end) run(function() return t < 1 end) run(function() return "a" < 1 end) run(function() return nil < 1 end)
run(function() return t[1][2] end) run(function() local i = 1 return t[i].x end) run(function() return (t.x).y end) run(function() return t["some key"].x end)
run(function() return ("x")() end) run(function() return (1)() end) run(function() return t.x.y() end) run(function() return 2^53 | 1.5 end)
run(function() return 1 // 0 end) run(function() return t.x | 1 end) run(function() return s | 1 end) run(function() return 1.5 & 1 end) run(function(p) p.q.r = 1 end, {})
run(function() for i = 1, {} do end end) run(function() for i = "a", 1 do end end) run(function() local a <close> = {} end) run(function() return math.nofunction() end) run(function() string.nofunction("x") end)
