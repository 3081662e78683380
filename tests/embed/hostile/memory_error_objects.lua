-- eats memory
local e while true do local _, x = pcall(error, {e}) e = x end
