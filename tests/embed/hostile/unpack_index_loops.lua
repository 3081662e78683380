-- runs for ever
table.unpack(setmetatable({}, {__index = function() while true do end end}), 1, 10)
