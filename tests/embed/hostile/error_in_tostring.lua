-- runs for ever
local e = setmetatable({}, {__tostring = function() while true do end end}) while true do pcall(tostring, e) end
