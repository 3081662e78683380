-- runs for ever
local t = setmetatable({}, {__index = function(_, k) return k end}) while true do local _ = t.x end
