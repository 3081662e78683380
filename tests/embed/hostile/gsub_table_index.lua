-- runs for ever
while true do ('xyz'):gsub('.', setmetatable({}, {__index = function(_, k) return k end})) end
