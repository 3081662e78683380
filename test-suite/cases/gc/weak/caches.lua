local cache = setmetatable({}, {__mode = "kv"})
local strong = {}
for i = 1, 50 do local k, v = {}, {i} cache[k] = v if i <= 10 then strong[k] = v end end
collectgarbage()
local n = 0
for k, v in pairs(cache) do n = n + (strong[k] == v and 1 or 100) end
print(n)
local names = setmetatable({}, {__mode = "k"})
local o = {} names[o] = "kept"
collectgarbage()
print(names[o]) o = nil
collectgarbage()
print(next(names))
local t = setmetatable({}, {__mode = "v"}) t.a, t.b, t.c, t[1] = {}, print, "str", function() end
collectgarbage()
print(t.a, t.b == print, t.c, t[1])
local changing = {} changing[{}] = 1
setmetatable(changing, {__mode = "k"})
collectgarbage()
print(next(changing))
