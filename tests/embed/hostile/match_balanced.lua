-- runs for ever
local s = string.rep('(', 100000) while true do s:find('%b()%b()', 1) end
