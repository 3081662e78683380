-- runs for ever
local V = {} V.__lt = function() return true end V.__eq = function() return false end local a, b = setmetatable({}, V), setmetatable({}, V) while a < b or a ~= b do end
