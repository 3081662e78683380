local log = {}
x = "global"
do
  local _ENV = {x = "first", setmetatable = setmetatable}
  local function get() return x end
  for i = 1, 4 do
    if i == 3 then _ENV = {x = "second"} end
    log[i] = get()
  end
end
print(table.concat(log, " "))
local function f(n) return n end
g = f
local out = {}
for i = 1, 4 do
  if i == 3 then g = function(n) return -n end end
  out[i] = g(i)
end
print(table.concat(out, " "))
