-- runs for ever
local s = ('x'):rep(100) while true do for i = 1, #s do local c = s:sub(i, i) end end
