-- runs for ever
local mt = {__gc = function() error('x') end} while true do setmetatable({}, mt) end
