-- runs for ever
while true do pcall(function() local x <close> = setmetatable({}, {__close = function() error('x') end}) end) end
