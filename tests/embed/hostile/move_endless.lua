-- runs for ever
table.move(setmetatable({}, {__index = function() end}), 1, math.maxinteger - 1, 2)
