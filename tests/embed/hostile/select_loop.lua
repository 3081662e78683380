-- runs for ever
local function f(...) while true do local n = select('#', ...) local x = select(2, ...) end end f(1, 2, 3)
