-- runs for ever
local s = 0 while true do local p = {x = s, y = 1} s = p.x + p.y end
