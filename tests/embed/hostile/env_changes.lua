-- runs for ever
while true do local _ENV = setmetatable({}, {__index = _ENV}) x = 1 end
