-- runs for ever
local v = 1 while true do if math.type(v) == 'integer' then v = v + 0.5 else v = v // 1 | 0 end end
