-- runs for ever
table.remove(setmetatable({}, {__len = function() return math.maxinteger - 1 end}), 1)
