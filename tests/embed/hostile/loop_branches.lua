-- runs for ever
local n = 0 while true do if n % 3 == 0 then n = n + 1 elseif n % 5 == 0 then n = n + 2 else n = n + 3 end end
