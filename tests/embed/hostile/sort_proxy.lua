-- runs for ever
table.sort(setmetatable({}, {__len = function() return 2^31 - 2 end, __index = function() return 1 end, __newindex = function() end}))
