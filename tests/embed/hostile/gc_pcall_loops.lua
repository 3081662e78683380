-- runs for ever
setmetatable({}, {__gc = function() while true do pcall(error) end end}) while true do local t = {{}, {}} end
