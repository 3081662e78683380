local values = setmetatable({}, {__mode = "v"})
local keys = setmetatable({}, {__mode = "k"})
local kept = {}
values[1], values[2], values.s, values.n = {}, kept, "string", 42
keys[{}], keys[kept], keys.s = 1, 2, {}
collectgarbage()
print(values[1], values[2] == kept, values.s, values.n)
local n = 0 for _ in pairs(keys) do n = n + 1 end print(n, keys[kept], type(keys.s))
local weak = setmetatable({}, {__mode = "v"})
local weakk = setmetatable({}, {__mode = "k"})
do
  local o = setmetatable({}, {__gc = function(o) print("value", weak[1], "key", weakk[o]) end})
  weak[1], weakk[o] = o, "still there"
end
collectgarbage() collectgarbage()
print(weak[1], next(weakk))
