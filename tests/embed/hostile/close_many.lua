-- runs for ever
while true do pcall(function() local a <close> = setmetatable({}, {__close = function() end}) local b <close> = a local c <close> = a error('x') end) end
