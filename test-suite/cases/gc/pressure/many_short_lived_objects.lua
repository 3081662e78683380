local kept = {}
for i = 1, 20000 do local t = {i, {i + 1}, tostring(i)} if i % 1000 == 0 then kept[#kept + 1] = t end end
local s = 0
for _, t in ipairs(kept) do s = s + t[1] + t[2][1] + #t[3] end
print(#kept, s)
local strings = {}
for i = 1, 2000 do strings[i % 10] = ("x"):rep(i % 100) .. i end
print(strings[5])
local f
for i = 1, 1000 do local p = f f = function() return i, p and 1 end if i % 100 == 0 then f = nil end end
print(f)
for i = 1, 200 do coroutine.wrap(function() local t = {i} coroutine.yield(t) end)() end
collectgarbage()
print(collectgarbage("count") < 20000)
