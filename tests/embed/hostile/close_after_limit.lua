-- runs for ever
local function guard() local x <close> = setmetatable({}, {__close = function() while true do pcall(error) end end}) while true do end end while true do pcall(guard) end
