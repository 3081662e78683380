local co = coroutine.wrap(function(...) local n = select("#", ...) while true do n = select("#", coroutine.yield(n, ...)) end end)
print(co(1, 2, 3))
print(co())
print(co(nil, nil))
local t = {}
for i = 1, 200 do t[i] = i end
print((co(table.unpack(t))))
print(select("#", coroutine.resume(coroutine.create(function() return table.unpack(t) end))))
local all = {}
for i = 1, 500 do all[i] = coroutine.wrap(function() local n = i while true do coroutine.yield(n) n = n + 1 end end) end
local sum = 0 for round = 1, 3 do for i = 1, 500 do sum = sum + all[i]() end end print(sum)
