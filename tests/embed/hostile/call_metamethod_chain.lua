-- runs for ever
local t = {} for i = 1, 100 do t = setmetatable({}, {__call = t}) end while true do pcall(t) end
