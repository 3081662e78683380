-- runs for ever
local t = {} while true do for i = 1, 50 do t['k' .. i] = i end for k in pairs(t) do t[k] = nil end end
