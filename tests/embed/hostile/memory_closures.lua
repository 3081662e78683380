-- eats memory
local fs = {} while true do local x = #fs fs[#fs + 1] = function() return x end end
