print(collectgarbage(), collectgarbage("collect"), math.type(collectgarbage("count")), collectgarbage("isrunning"))
print(collectgarbage("stop"), collectgarbage("isrunning"), collectgarbage("restart"), collectgarbage("isrunning"))
print(collectgarbage("generational"), collectgarbage("incremental"), collectgarbage("incremental"), collectgarbage("generational"))
collectgarbage("incremental")
print(pcall(collectgarbage, "wrong"))
print(type(collectgarbage("step")), collectgarbage("setpause", 200) ~= nil, collectgarbage("setstepmul", 100) ~= nil)
local before = collectgarbage("count")
local t = {}
for i = 1, 10000 do t[i] = {i} end
local during = collectgarbage("count") t = nil
collectgarbage()
local after = collectgarbage("count")
print(during > before + 300, after < during - 300)
