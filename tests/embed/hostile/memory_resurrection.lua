-- eats memory
local keep, mt = {}, {} mt.__gc = function(o) keep[#keep + 1] = setmetatable({o}, mt) end for i = 1, 10 do setmetatable({}, mt) end while true do local t = {{}, {}} keep[#keep + 1] = t end
