local function make() local n = 0 return function() return n end, function(v) n = v end end
local get, set = make()
local get2, set2 = make()
set2(100)
local log = {}
for i = 1, 8 do
  if i == 3 then debug.setupvalue(get, 1, 7) end
  if i == 5 then debug.upvaluejoin(get, 1, get2, 1) end
  if i == 7 then coroutine.wrap(function() set2(200) end)() end
  log[i] = get()
end
print(table.concat(log, " "))
print(debug.getupvalue(get, 1))
print(debug.upvalueid(get, 1) == debug.upvalueid(get2, 1), debug.upvalueid(get, 1) == debug.upvalueid(set, 1))
