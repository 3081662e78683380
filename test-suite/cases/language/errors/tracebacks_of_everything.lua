-- exit: 1
local t = setmetatable({}, {__index = function(t, k) error("no field " .. k) end})
local object = {method = function(self) return t.field end}
local co = coroutine.wrap(function() for _, v in ipairs{1} do object:method() end end)
co()
