local e = setmetatable({}, {__mode = "k"})
local first = {}
local k = first
for i = 1, 20 do local nxt = {} e[k] = nxt k = nxt end
k = nil
collectgarbage()
local n = 0 for _ in pairs(e) do n = n + 1 end
print(n)
first = nil
collectgarbage()
n = 0 for _ in pairs(e) do n = n + 1 end
print(n)
local self = {} e[self] = {self} self = nil
collectgarbage()
print(next(e))
