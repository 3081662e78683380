-- eats memory
local list while true do list = {next = list, value = 1} end
