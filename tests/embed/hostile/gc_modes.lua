-- runs for ever
while true do collectgarbage('generational') local t = {} collectgarbage('incremental') end
