local t, log = {}, {}
for i = 1, 6 do
  if i == 4 then setmetatable(t, {__index = function(_, k) return "from " .. k end}) end
  log[i] = tostring(t.x)
end
print(table.concat(log, ","))
log = {}
for i = 1, 4 do
  if i == 3 then getmetatable("").__index = function(s, k) return k .. s end end
  log[i] = tostring(("z").q)
end
getmetatable("").__index = string
print(table.concat(log, ","))
local ok = {}
for i = 1, 4 do
  if i == 3 then debug.setmetatable(1, {__call = function(n, x) return n + x end, __index = {k = "number"}}) end
  ok[i] = tostring(pcall(function() return (i)(10) + #i.k end))
end
debug.setmetatable(1, nil)
print(table.concat(ok, ","))
