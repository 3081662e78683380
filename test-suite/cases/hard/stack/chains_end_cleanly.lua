local t = {}
for i = 1, 3000 do t = setmetatable({}, {__index = t}) end
print(pcall(function() return t.x end))
local loop = {} setmetatable(loop, {__index = loop, __newindex = loop})
print(pcall(function() return loop.x end))
print(pcall(function() loop.x = 1 end))
do local print = function(...) return select("#", ...), (select(-1, ...)) end
  local chain = print
  for i = 1, 10 do chain = setmetatable({}, {__call = chain}) end
  _G.print(pcall(chain, "end"))
end
local s = setmetatable({}, {__tostring = function(x) return tostring(x) end})
print((pcall(tostring, s)))
local function co(n) return coroutine.wrap(function() return co(n + 1) end)() end
local ok, message = pcall(co, 1)
print(ok, (message:gsub(".*: ", "")))
print(pcall(load, "return " .. string.rep("(", 300) .. "1" .. string.rep(")", 300)))
print(pcall(load, string.rep("do ", 300) .. string.rep("end ", 300)))
