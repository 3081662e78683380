-- exit: 1
error(setmetatable({}, {__tostring = function() return "converted" end}))
