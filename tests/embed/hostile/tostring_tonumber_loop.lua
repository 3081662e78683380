-- runs for ever
while true do local n = tonumber(tostring(1.5)) end
