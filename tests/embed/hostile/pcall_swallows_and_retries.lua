-- runs for ever
local function work() local n = 0 while true do n = n + 1 end end repeat local ok = pcall(work) until ok
