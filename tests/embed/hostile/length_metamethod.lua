-- runs for ever
local t = setmetatable({}, {__len = function() while true do end end}) local n = #t
