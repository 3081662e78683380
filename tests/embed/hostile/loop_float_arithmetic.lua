-- runs for ever
local x = 0.5 while true do x = x * 1.0000001 + 0.25 if x > 1e300 then x = 0 end end
